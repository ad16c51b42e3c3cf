/* Reading single files of a process. */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT (4U << 20) /* Linux allows an environment of a quarter of the stack limit, 2 MiB by default */

char *procfs_read(int folder, const char *name, size_t *length) {
    size_t room = 4096, got = 0;
    char *text = NULL;
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return NULL;
    for (;;) {
        char *larger = realloc(text, room + 2);
        ssize_t count;
        if (larger == NULL) {
            errno = ENOMEM;
            break;
        }
        text = larger;
        count = read(file, text + got, room - got);
        if (count < 0)
            break;
        got += (size_t)count;
        if (count == 0 || got >= MAX_TEXT) {
            close(file);
            text[got] = text[got + 1] = '\0';
            *length = got;
            return text;
        }
        if (got == room)
            room *= 2;
    }
    int reason = errno;
    free(text);
    close(file);
    errno = reason;
    return NULL;
}

/* smaps_rollup is exact, statm lags behind by some pages per thread. */
unsigned long long procfs_resident(int folder) {
    size_t length;
    unsigned long long kib = 0, pages = 0;
    char *text = procfs_read(folder, "smaps_rollup", &length);
    if (text != NULL) {
        const char *line = strstr(text, "\nRss:");
        int found = line != NULL && sscanf(line, "\nRss: %llu kB", &kib) == 1;
        free(text);
        if (found)
            return kib * 1024;
    }
    text = procfs_read(folder, "statm", &length);
    if (text != NULL) {
        if (sscanf(text, "%*u %llu", &pages) != 1)
            pages = 0;
        free(text);
    }
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static int thread_runs(int folder, const char *thread) {
    char name[64];
    size_t length;
    int runs = 0;
    snprintf(name, sizeof name, "task/%.20s/stat", thread);
    char *text = procfs_read(folder, name, &length);
    if (text != NULL) {
        const char *after_name = strrchr(text, ')');
        runs = after_name != NULL && strncmp(after_name, ") R", 3) == 0;
        free(text);
    }
    return runs;
}

int procfs_runs(int folder) {
    int file = openat(folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), runs = 0;
    DIR *threads = file >= 0 ? fdopendir(file) : NULL;
    struct dirent *entry;
    if (threads == NULL) {
        if (file >= 0)
            close(file);
        return 0;
    }
    while (!runs && (entry = readdir(threads)) != NULL)
        runs = entry->d_name[0] != '.' && thread_runs(folder, entry->d_name);
    closedir(threads);
    return runs;
}
