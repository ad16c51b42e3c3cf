/* CUDA_VISIBLE_DEVICES as CUDA reads it: UUIDs (a unique beginning is enough) or indexes, up to the first name that is
 * no card; a card named twice makes the whole list void. */
#include "simgpu.h"

#include <stdlib.h>
#include <string.h>

static int find_card(const struct simulation *simulation, const char *name, size_t length) {
    int found = -1;
    if (length >= 4 && strncmp(name, "GPU-", 4) == 0) {
        for (unsigned i = 0; i < simulation->count; i++)
            if (strncmp(simulation->cards[i].uuid, name, length) == 0) {
                if (found >= 0)
                    return -1;
                found = (int)i;
            }
        return found;
    }
    if (length == 0 || length > 2 || strspn(name, "0123456789") < length)
        return -1;
    found = atoi(name);
    return found < (int)simulation->count ? found : -1;
}

unsigned simgpu_visible(const struct simulation *simulation, const char *value, unsigned *cards) {
    unsigned count = 0;
    if (value == NULL) {
        for (; count < simulation->count; count++)
            cards[count] = count;
        return count;
    }
    while (count < simulation->count) {
        size_t length = strcspn(value, ",");
        int card = find_card(simulation, value, length);
        if (card < 0)
            return count;
        for (unsigned i = 0; i < count; i++)
            if (cards[i] == (unsigned)card)
                return 0;
        cards[count++] = (unsigned)card;
        if (value[length] == '\0')
            return count;
        value += length + 1;
    }
    return count;
}
