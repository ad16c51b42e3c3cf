/* Memory in use on a simulated card: the resident memory of the processes that were given the card.
 *
 * A process was given a card where its environment names it in CUDA_VISIBLE_DEVICES. File-backed pages count too: a
 * model that llama.cpp maps would lie in the card's memory. How a process spreads over its cards is read from the
 * llama.cpp arguments (or their environment names) that decide it. The caller itself counts as nothing: reading
 * NVML takes no memory of a card.
 */
#include "procfs.h"
#include "simgpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3

/* The value of `name` in a block of NAME=value strings, or null. */
static const char *find_variable(const char *block, size_t length, const char *name) {
    size_t wanted = strlen(name);
    for (const char *at = block; at < block + length; at += strlen(at) + 1)
        if (strncmp(at, name, wanted) == 0 && at[wanted] == '=')
            return at + wanted + 1;
    return NULL;
}

/* The value after the last argument that is one of the two spellings, or null. */
static const char *find_argument(const char *block, size_t length, const char *brief, const char *full) {
    const char *found = NULL;
    for (const char *at = block; at < block + length; at += strlen(at) + 1)
        if (strcmp(at, brief) == 0 || strcmp(at, full) == 0) {
            const char *next = at + strlen(at) + 1;
            if (next < block + length)
                found = next;
        }
    return found;
}

struct process {
    char *environment, *arguments;
    size_t environment_length, arguments_length;
};

static const char *setting(const struct process *process, const char *brief, const char *full, const char *variable) {
    const char *value = find_argument(process->arguments, process->arguments_length, brief, full);
    return value != NULL ? value : find_variable(process->environment, process->environment_length, variable);
}

/* Shares of `count` cards from a tensor split such as "3,1": sum 1. Equal where there is none or it is unusable. */
static void read_split(const char *text, unsigned count, double *shares) {
    double sum = 0;
    for (unsigned i = 0; i < count; i++) {
        char *end;
        shares[i] = 0;
        if (text == NULL || *text == '\0')
            continue;
        shares[i] = strtod(text, &end);
        if (end == text || !(shares[i] >= 0 && shares[i] < 1e9)) {
            sum = 0;
            break;
        }
        sum += shares[i];
        text = end + strspn(end, ",/");
    }
    for (unsigned i = 0; i < count; i++)
        shares[i] = sum > 0 ? shares[i] / sum : 1.0 / count;
}

/* How the process spreads over the `count` cards that it sees. */
static void find_shares(const struct process *process, unsigned count, double *shares) {
    const char *mode = setting(process, "-sm", "--split-mode", "LLAMA_ARG_SPLIT_MODE");
    const char *main_card = setting(process, "-mg", "--main-gpu", "LLAMA_ARG_MAIN_GPU");
    if (mode != NULL && strcmp(mode, "none") == 0) {
        unsigned long chosen = main_card != NULL ? strtoul(main_card, NULL, 10) : 0;
        for (unsigned i = 0; i < count; i++)
            shares[i] = i == (chosen < count ? chosen : 0) ? 1 : 0;
        return;
    }
    read_split(setting(process, "-ts", "--tensor-split", "LLAMA_ARG_TENSOR_SPLIT"), count, shares);
}

static int stays_on_cpu(const struct process *process) {
    const char *layers = setting(process, "-ngl", "--n-gpu-layers", "LLAMA_ARG_N_GPU_LAYERS");
    if (layers == NULL)
        layers = find_argument(process->arguments, process->arguments_length, "--gpu-layers", "--gpu-layers");
    return layers != NULL && strcmp(layers, "0") == 0;
}

static void add_process(const struct simulation *simulation, const struct process *process, int folder,
                        struct usage *usage) {
    unsigned cards[SIMGPU_MAX_CARDS];
    double shares[SIMGPU_MAX_CARDS];
    const char *value = find_variable(process->environment, process->environment_length, "CUDA_VISIBLE_DEVICES");
    unsigned count = value != NULL ? simgpu_visible(simulation, value, cards) : 0;

    if (count == 0 || simulation->cpu_only || stays_on_cpu(process))
        return;
    find_shares(process, count, shares);
    unsigned long long bytes = procfs_resident(folder);
    int running = procfs_runs(folder);
    for (unsigned i = 0; i < count; i++) {
        unsigned card = cards[i];
        if (simulation->wrong_card) /* one card: the next one; several: all of it on the last */
            card = count == 1 ? (card + 1) % simulation->count : cards[count - 1];
        usage->bytes[card] += (unsigned long long)((double)bytes * shares[i]);
        usage->busy[card] |= running && shares[i] > 0;
    }
}

/* 0, or SIMGPU_FORBIDDEN. A process that ended meanwhile is no error. */
static enum simgpu_result visit(const struct simulation *simulation, int folder, struct usage *usage) {
    struct process process = {0};
    struct timespec moment = {.tv_nsec = 20000000};
    enum simgpu_result result = SIMGPU_OK;

    process.environment = procfs_read(folder, "environ", &process.environment_length);
    /* A process that enters a container is closed to the container's root until it runs its program. */
    for (int i = 1; process.environment == NULL && (errno == EACCES || errno == EPERM) && i < TRIES; i++) {
        if (geteuid() != 0)
            return SIMGPU_FORBIDDEN;
        nanosleep(&moment, NULL);
        process.environment = procfs_read(folder, "environ", &process.environment_length);
    }
    if (process.environment == NULL)
        return errno == ENOENT || errno == ESRCH ? SIMGPU_OK : SIMGPU_FORBIDDEN;
    process.arguments = procfs_read(folder, "cmdline", &process.arguments_length);
    if (process.arguments != NULL)
        add_process(simulation, &process, folder, usage);
    else if (errno != ENOENT && errno != ESRCH)
        result = SIMGPU_FORBIDDEN;
    free(process.environment);
    free(process.arguments);
    return result;
}

/* Where /proc hides other users' processes, they are not forbidden but absent: ask for one that must be there. */
static int may_read_all(int processes) {
    int file = openat(processes, "1/environ", O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        close(file);
    return file >= 0;
}

enum simgpu_result simgpu_measure(const struct simulation *simulation, struct usage *usage) {
    const char *chosen = secure_getenv("PROVISION_SIMGPU_PROC"); /* for tests: a folder of links to processes */
    DIR *processes = opendir(chosen != NULL ? chosen : "/proc");
    enum simgpu_result result = SIMGPU_OK;
    struct dirent *entry;

    memset(usage, 0, sizeof *usage);
    if (processes == NULL)
        return SIMGPU_FORBIDDEN;
    if (!may_read_all(dirfd(processes)))
        result = SIMGPU_FORBIDDEN;
    while (result == SIMGPU_OK && (entry = readdir(processes)) != NULL) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10); /* not a number: no process */
        if (*end != '\0' || pid <= 0 || pid == (long)getpid())
            continue;
        int folder = openat(dirfd(processes), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            continue;
        result = visit(simulation, folder, usage);
        close(folder);
    }
    closedir(processes);
    return result;
}
