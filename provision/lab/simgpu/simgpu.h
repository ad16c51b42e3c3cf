/* The simulated cards of a lab guest: what both libraries share.
 *
 * The lab writes /etc/provision-simgpu.conf; these libraries read it and nothing else decides what they answer.
 * Every text they return says "simulated". They are never linked by the product and never leave a lab guest.
 */
#ifndef SIMGPU_H
#define SIMGPU_H

#include <stddef.h>

#define SIMGPU_EXPORT __attribute__((visibility("default")))
#define SIMGPU_CONF "/etc/provision-simgpu.conf"
#define SIMGPU_MAX_CARDS 16
#define SIMGPU_MIB (1024ULL * 1024ULL)

struct card {
    char name[96];
    char uuid[80];
    unsigned domain, bus, device;
    unsigned long long memory_mib, reserved_mib;
    unsigned long long held_mib; /* fault vram-held */
    unsigned temperature_c, power_mw, power_limit_mw; /* 0: not supported */
};

struct simulation {
    char driver_version[80];
    unsigned cuda_version; /* 13000 is 13.0; 0: not known */
    unsigned count;
    struct card cards[SIMGPU_MAX_CARDS];
    int driver_mismatch, uvm_missing, cpu_only, wrong_card;
};

/* What the processes of this machine take on each card. */
struct usage {
    unsigned long long bytes[SIMGPU_MAX_CARDS];
    int busy[SIMGPU_MAX_CARDS];
};

enum simgpu_result {
    SIMGPU_OK = 0,
    SIMGPU_ABSENT,    /* no config file: as if no driver were loaded */
    SIMGPU_MALFORMED, /* a config file that this library does not understand in full */
    SIMGPU_FORBIDDEN, /* the caller may not read other processes */
};

/* Reads the whole config. On anything but SIMGPU_OK the simulation holds no card. */
enum simgpu_result simgpu_load(struct simulation *simulation);

/* Walks /proc. Usage is complete or the result is SIMGPU_FORBIDDEN; it never leaves a process out in silence. */
enum simgpu_result simgpu_measure(const struct simulation *simulation, struct usage *usage);

/* The cards that a CUDA_VISIBLE_DEVICES value names, in its order; null names all. Returns how many. Like CUDA, it
 * stops at the first name that is no card. */
unsigned simgpu_visible(const struct simulation *simulation, const char *value, unsigned *cards);

/* Copies with the terminating zero. Returns 0 where it does not fit. */
int simgpu_copy(char *to, size_t size, const char *from);

#endif
