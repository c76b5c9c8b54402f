/* Python's orders to lines: keys, the way out, what is read of them. Each takes the lock once. */
#include "inside.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

uint32_t line_open(struct plane *plane)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return 0;
    line->fd = -1;
    line->history = calloc(WIDE_HISTORY, sizeof *line->history);
    line->sources = calloc(SOURCES_PER_LINE, sizeof *line->sources);
    line->burst = plane->is_single ? NULL : calloc(1, sizeof *line->burst);
    enter(plane);
    line->id = table_add(&plane->lines, line);
    uint32_t id = line->id;
    leave(plane);
    if (!id)
        free_line(line);
    return id;
}

void line_keys(struct plane *plane, uint32_t id, uintptr_t rx, uintptr_t tx)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        line->rx = (void *)rx;
        line->tx = (void *)tx;
        line->source_count = 0; /* fresh contexts know none */
    }
    leave(plane);
}

static int takes_bursts(int fd)
{
    /* Other sockets would take UDP_SEGMENT for nothing and send one large datagram. */
    int protocol = 0;
    socklen_t size = sizeof protocol;
    return fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) && protocol == IPPROTO_UDP;
}

void line_route(struct plane *plane, uint32_t id, int fd)
{
    int burst_bytes = takes_bursts(fd) ? BURST_SIZE : 0;
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        line->fd = fd;
        line->burst_bytes = burst_bytes;
    }
    leave(plane);
}

void line_receive(struct plane *plane, uint32_t id, const uint8_t *packet, int bytes, uint64_t at_ns)
{
    _Alignas(16) uint8_t copy[DATAGRAM + 64];
    if (bytes < 0 || bytes > DATAGRAM)
        return;
    memcpy(copy, packet, (size_t)bytes);
    enter(plane);
    if (is_media(copy, bytes))
        media_in(plane, table_get(&plane->lines, id), copy, bytes, at_ns);
    flush(plane, (double)at_ns / 1e6);
    leave(plane);
}

int line_send(struct plane *plane, uint32_t id, const uint8_t *plain, int bytes, int wide_at, double now_ms)
{
    _Alignas(16) uint8_t copy[DATAGRAM + 64];
    if (bytes < 12 || bytes > MAX_PLAIN)
        return -1;
    memcpy(copy, plain, (size_t)bytes);
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int result = -1;
    if (line) {
        result = transmit(plane, line, NULL, copy, bytes, wide_at, now_ms);
        flush(plane, now_ms);
    }
    leave(plane);
    return result;
}

int64_t line_newest(struct plane *plane, uint32_t id)
{
    /* The transport-wide number given out last, 16 bits; -1 before the first. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int64_t newest = line && line->wide ? (int64_t)((line->wide - 1) & 0xFFFF) : -1;
    leave(plane);
    return newest;
}

int line_sent(struct plane *plane, uint32_t id, uint16_t first, int count, double *sent_ms, uint32_t *bytes)
{
    /* The times and sizes of `count` transport-wide numbers from `first`; bytes 0 where none is known. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    int found = 0;
    for (int i = 0; i < count; i++) {
        bytes[i] = 0;
        if (!line || !line->history || !line->wide)
            continue;
        uint16_t behind = (uint16_t)((uint16_t)(line->wide - 1) - (uint16_t)(first + i));
        if (behind >= WIDE_HISTORY || behind > line->wide - 1)
            continue;
        uint64_t number = line->wide - 1 - behind;
        const struct sent *sent = &line->history[number % WIDE_HISTORY];
        if (sent->number == number && sent->bytes) {
            sent_ms[i] = sent->sent_ms;
            bytes[i] = sent->bytes;
            found++;
        }
    }
    leave(plane);
    return found;
}

uint64_t line_residence(struct plane *plane, uint32_t id, uint64_t *counts)
{
    /* Takes what was counted since the last call; the sum in ns. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    uint64_t sum_ns = line ? line->residence_ns : 0;
    memset(counts, 0, RESIDENCE_BUCKETS * sizeof *counts);
    if (line) {
        memcpy(counts, line->residence, sizeof line->residence);
        memset(line->residence, 0, sizeof line->residence);
        line->residence_ns = 0;
    }
    leave(plane);
    return sum_ns;
}

void line_counters(struct plane *plane, uint32_t id, uint64_t *refused, uint64_t *limited)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    *refused = line ? line->refused : 0;
    *limited = line ? line->limited : 0;
    leave(plane);
}
