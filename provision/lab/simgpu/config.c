/* Reads the config: lines of `key value`, '#' starts a comment line. Strict: an unknown key, a bad number, a card
 * without a name, UUID or address, two cards with one UUID: all make the file malformed. */
#include "simgpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 512
#define MAX_LINES 1024
#define MAX_POWER_MW 10000000U
#define MAX_MEMORY_MIB (1ULL << 24) /* 16 TiB: no card is larger, and bytes stay far below 2^64 */

struct parser {
    struct simulation *simulation;
    int addressed[SIMGPU_MAX_CARDS];
    int missing; /* fault card-missing, -1: none */
};

int simgpu_copy(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    if (to == NULL || length + 1 > size)
        return 0;
    memcpy(to, from, length + 1);
    return 1;
}

static int parse_number(const char *text, unsigned long long limit, unsigned long long *value) {
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *value <= limit;
}

static int parse_small(const char *text, unsigned limit, unsigned *value) {
    unsigned long long number;
    if (!parse_number(text, limit, &number))
        return 0;
    *value = (unsigned)number;
    return 1;
}

static int parse_address(struct card *card, const char *text) {
    int used = 0; /* set only where the text matched to its end */
    if (sscanf(text, "%8x:%2x:%2x.0%n", &card->domain, &card->bus, &card->device, &used) != 3 || used == 0)
        return 0;
    return text[used] == '\0' && card->device < 32;
}

static int parse_held(struct simulation *simulation, const char *text) {
    unsigned card;
    unsigned long long mib;
    char extra;
    if (sscanf(text, "%2u %12llu%c", &card, &mib, &extra) != 2 || card >= simulation->count || mib > MAX_MEMORY_MIB)
        return 0;
    simulation->cards[card].held_mib = mib;
    return 1;
}

static int parse_missing(struct parser *parser, const char *text) {
    unsigned card;
    if (!parse_small(text, SIMGPU_MAX_CARDS - 1, &card))
        return 0;
    parser->missing = (int)card;
    return 1;
}

static int parse_fault(struct parser *parser, const char *text) {
    struct simulation *simulation = parser->simulation;
    const struct {
        const char *name;
        int *flag;
    } flags[] = {
        {"driver-mismatch", &simulation->driver_mismatch},
        {"uvm-missing", &simulation->uvm_missing},
        {"cpu-only", &simulation->cpu_only},
        {"wrong-card", &simulation->wrong_card},
    };

    if (strncmp(text, "card-missing ", 13) == 0)
        return parse_missing(parser, text + 13);
    if (strncmp(text, "vram-held ", 10) == 0)
        return parse_held(simulation, text + 10);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(text, flags[i].name) == 0) {
            *flags[i].flag = 1;
            return 1;
        }
    return 0;
}

static int start_card(struct simulation *simulation, const char *value) {
    unsigned index;
    if (!parse_small(value, SIMGPU_MAX_CARDS - 1, &index) || index != simulation->count)
        return 0;
    simulation->count++;
    return 1;
}

static int parse_card_key(struct parser *parser, const char *key, const char *value) {
    struct card *card;
    if (parser->simulation->count == 0)
        return 0;
    card = &parser->simulation->cards[parser->simulation->count - 1];
    if (strcmp(key, "name") == 0)
        return simgpu_copy(card->name, sizeof card->name, value);
    if (strcmp(key, "uuid") == 0)
        return strncmp(value, "GPU-", 4) == 0 && simgpu_copy(card->uuid, sizeof card->uuid, value);
    if (strcmp(key, "pci") == 0)
        return parse_address(card, value) && (parser->addressed[parser->simulation->count - 1] = 1);
    if (strcmp(key, "memory_mib") == 0)
        return parse_number(value, MAX_MEMORY_MIB, &card->memory_mib);
    if (strcmp(key, "reserved_mib") == 0)
        return parse_number(value, MAX_MEMORY_MIB, &card->reserved_mib);
    if (strcmp(key, "temperature_c") == 0)
        return parse_small(value, 200, &card->temperature_c);
    if (strcmp(key, "power_mw") == 0)
        return parse_small(value, MAX_POWER_MW, &card->power_mw);
    if (strcmp(key, "power_limit_mw") == 0)
        return parse_small(value, MAX_POWER_MW, &card->power_limit_mw);
    return 0;
}

static int parse_line(struct parser *parser, char *line) {
    struct simulation *simulation = parser->simulation;
    char *value;
    size_t length = strlen(line);

    if (length == 0 || line[length - 1] != '\n')
        return 0; /* too long, cut off, or with a zero byte in it */
    line[length - 1] = '\0';
    if (line[0] == '#' || line[0] == '\0')
        return 1;
    value = strchr(line, ' ');
    if (value == NULL || value[1] == '\0')
        return 0;
    *value++ = '\0';
    if (strcmp(line, "driver_version") == 0)
        return simgpu_copy(simulation->driver_version, sizeof simulation->driver_version, value);
    if (strcmp(line, "cuda_version") == 0)
        return parse_small(value, 1000000, &simulation->cuda_version);
    if (strcmp(line, "card") == 0)
        return start_card(simulation, value);
    if (strcmp(line, "fault") == 0)
        return parse_fault(parser, value);
    return parse_card_key(parser, line, value);
}

/* The name of the driver must end so, or its output could be taken for that of a real card. */
static int says_simulated(const char *version) {
    static const char mark[] = "-simulated";
    size_t length = strlen(version), marked = sizeof mark - 1;
    return length > marked && strcmp(version + length - marked, mark) == 0;
}

static int is_complete(const struct parser *parser) {
    const struct simulation *simulation = parser->simulation;
    if (!says_simulated(simulation->driver_version) || parser->missing >= (int)simulation->count)
        return 0;
    for (unsigned i = 0; i < simulation->count; i++) {
        const struct card *card = &simulation->cards[i];
        if (card->name[0] == '\0' || card->uuid[0] == '\0' || !parser->addressed[i] || card->memory_mib == 0 ||
            card->reserved_mib > card->memory_mib)
            return 0;
        for (unsigned j = 0; j < i; j++)
            if (strcmp(card->uuid, simulation->cards[j].uuid) == 0)
                return 0;
    }
    return 1;
}

static void drop_card(struct simulation *simulation, unsigned index) {
    simulation->count--;
    memmove(&simulation->cards[index], &simulation->cards[index + 1],
            (simulation->count - index) * sizeof(struct card));
}

enum simgpu_result simgpu_load(struct simulation *simulation) {
    struct parser parser = {.simulation = simulation, .missing = -1};
    const char *path = secure_getenv("PROVISION_SIMGPU_CONF"); /* for the tests of this library */
    char line[MAX_LINE];
    unsigned lines = 0;
    int good = 1;
    FILE *file;

    memset(simulation, 0, sizeof *simulation);
    file = fopen(path != NULL ? path : SIMGPU_CONF, "re");
    if (file == NULL)
        return errno == ENOENT ? SIMGPU_ABSENT : SIMGPU_MALFORMED;
    while (good && fgets(line, sizeof line, file) != NULL)
        good = ++lines <= MAX_LINES && parse_line(&parser, line);
    good = good && !ferror(file) && is_complete(&parser);
    fclose(file);
    if (!good) {
        memset(simulation, 0, sizeof *simulation);
        return SIMGPU_MALFORMED;
    }
    if (parser.missing >= 0)
        drop_card(simulation, (unsigned)parser.missing);
    return SIMGPU_OK;
}
