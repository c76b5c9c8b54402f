/* Handles: what Python calls a line, a peer, a stream or a leg by. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

uint32_t table_add(struct table *table, void *item)
{
    for (uint32_t i = 0; i < table->size; i++) {
        uint32_t at = (table->next + i) % table->size;
        if (!table->items[at]) {
            table->items[at] = item;
            table->next = at + 1;
            return at + 1;
        }
    }
    uint32_t size = table->size ? table->size * 2 : 64;
    void **items = realloc(table->items, size * sizeof *items);
    if (!items)
        return 0;
    memset(items + table->size, 0, (size - table->size) * sizeof *items);
    uint32_t at = table->size;
    items[at] = item;
    table->items = items;
    table->size = size;
    table->next = at + 1;
    return at + 1;
}

void *table_get(const struct table *table, uint32_t id)
{
    return id && id <= table->size ? table->items[id - 1] : NULL;
}

void table_remove(struct table *table, uint32_t id)
{
    if (id && id <= table->size)
        table->items[id - 1] = NULL;
}
