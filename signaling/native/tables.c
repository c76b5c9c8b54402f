/* Handles: what Python calls a line, a peer, a stream or a leg by.
 *
 * A handle holds a place and the place's age. Each removal makes the place older, so a handle that outlived its thing
 * finds nothing, not the next one that got the place (a place is old again after at least a million uses).
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#define AGES ((uint32_t)(UINT32_MAX / (HANDLE_PLACES + 1u)))

static int grow(struct table *table)
{
    uint32_t size = table->size ? table->size * 2 : 64;
    if (size > HANDLE_PLACES)
        return 0;
    void **items = realloc(table->items, size * sizeof *items);
    if (items)
        table->items = items;
    uint32_t *ages = realloc(table->ages, size * sizeof *ages);
    if (ages)
        table->ages = ages;
    if (!items || !ages)
        return 0; /* `size` did not change: the larger half is not used */
    memset(items + table->size, 0, (size - table->size) * sizeof *items);
    memset(ages + table->size, 0, (size - table->size) * sizeof *ages);
    table->next = table->size;
    table->size = size;
    return 1;
}

uint32_t table_add(struct table *table, void *item)
{
    if (table->count == table->size && !grow(table))
        return 0;
    uint32_t at = table->next % table->size;
    while (table->items[at])
        at = (at + 1) % table->size;
    table->items[at] = item;
    table->count++;
    table->next = at + 1; /* onwards, so that a place rests before it is used again */
    return table->ages[at] * (HANDLE_PLACES + 1u) + at + 1;
}

static uint32_t place_of(const struct table *table, uint32_t id)
{
    /* 0, or the place and one. */
    uint32_t place = id & HANDLE_PLACES;
    if (!place || place > table->size || table->ages[place - 1] != id / (HANDLE_PLACES + 1u))
        return 0;
    return place;
}

void *table_get(const struct table *table, uint32_t id)
{
    uint32_t place = place_of(table, id);
    return place ? table->items[place - 1] : NULL;
}

void table_remove(struct table *table, uint32_t id)
{
    uint32_t place = place_of(table, id);
    if (!place || !table->items[place - 1])
        return;
    table->items[place - 1] = NULL;
    table->ages[place - 1] = (table->ages[place - 1] + 1) % AGES;
    table->count--;
}

void table_free(struct table *table)
{
    free(table->items);
    free(table->ages);
}
