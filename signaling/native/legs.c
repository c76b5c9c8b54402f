/* Python's orders to legs: what they take their packets from, what they send again. Each takes the lock once. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

uint32_t leg_open(struct plane *plane, uint32_t line_id, const struct rewriter_settings *settings, int is_video)
{
    struct leg *leg = calloc(1, sizeof *leg);
    if (!leg)
        return 0;
    leg->rewriter = rewriter_new(settings);
    leg->is_video = is_video;
    leg->wide_at = leg->rewriter ? rewriter_wide_offset(leg->rewriter) : 0;
    enter(plane);
    leg->line = table_get(&plane->lines, line_id);
    if (leg->rewriter && leg->line)
        leg->id = table_add(&plane->legs, leg);
    leave(plane);
    uint32_t id = leg->id;
    if (!id)
        free_leg(leg);
    return id;
}

void leg_shut(struct plane *plane, uint32_t id)
{
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    if (leg)
        close_leg(plane, leg);
    leave(plane);
}

void leg_congested(struct plane *plane, uint32_t id, double now_ms)
{
    /* Python could not send a packet of it. */
    enter(plane);
    congested(table_get(&plane->legs, id), now_ms);
    leave(plane);
}

static void look(const struct leg *leg, struct leg_facts *facts)
{
    rewriter_read(leg->rewriter, &facts->numbering);
    facts->dropped = leg->dropped;
    facts->blocked_until_ms = leg->blocked_until_ms;
}

void leg_order(struct plane *plane, uint32_t id, int order, int64_t argument, int64_t shift, int has_shift,
               struct leg_facts *facts)
{
    /* Does as told and says how the leg stands then. */
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    struct rewriter *rewriter = leg ? leg->rewriter : NULL;
    if (rewriter && order == LEG_SELECT)
        rewriter_select(rewriter, (uint32_t)argument, has_shift, shift);
    else if (rewriter && order == LEG_PAUSE)
        rewriter_pause(rewriter), leg->cuts++;
    else if (rewriter && order == LEG_FORGET)
        rewriter_forget_sources(rewriter);
    else if (rewriter && order == LEG_REDUNDANCY)
        rewriter_take_redundancy(rewriter, (int)argument);
    else if (rewriter && order == LEG_TEMPORAL)
        rewriter_limit_temporal(rewriter, (int)argument);
    if (leg)
        look(leg, facts);
    leave(plane);
}

void leg_read(struct plane *plane, uint32_t id, struct leg_facts *facts)
{
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    if (leg)
        look(leg, facts);
    leave(plane);
}

int64_t leg_locate(struct plane *plane, uint32_t id, uint16_t number)
{
    /* SSRC of the layer behind an outgoing number; -1 when it was never sent or is too old. */
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    uint32_t ssrc = 0;
    int64_t sequence;
    int found = leg && rewriter_locate(leg->rewriter, number, &ssrc, &sequence);
    leave(plane);
    return found ? (int64_t)ssrc : -1;
}

static int send_again(struct plane *plane, struct leg *leg, uint16_t number, const struct media_packet *packet,
                      int is_probe, double now_ms)
{
    int size = rewriter_retransmit(leg->rewriter, number, packet, now_ms, plane->out, DATAGRAM);
    if (size > 0 && (is_probe || !hold(plane, leg, plane->out, size, 1, now_ms)))
        transmit(plane, leg->line, NULL, plane->out, size, leg->wide_at, now_ms);
    return size > 0 ? packet->payload_bytes : 0;
}

static const struct media_packet *kept(const struct leg *leg, const struct stream *stream, uint16_t number,
                                       double now_ms)
{
    uint32_t ssrc;
    int64_t sequence;
    if (!leg || !stream || !rewriter_locate(leg->rewriter, number, &ssrc, &sequence) || ssrc != stream->ssrc)
        return NULL;
    return cache_get(stream->media->cache, sequence, now_ms);
}

static void await(struct leg *leg, uint16_t number)
{
    if (leg->awaited_count == AWAITED) /* the oldest goes */
        memmove(leg->awaited, leg->awaited + 1, (AWAITED - 1) * sizeof *leg->awaited), leg->awaited_count--;
    leg->awaited[leg->awaited_count++] = number;
}

int leg_copy_base(struct plane *plane, uint32_t id, uint32_t stream_id, int32_t after, int most_bytes, double now_ms,
                  uint16_t *newest)
{
    /* As PythonLeg.copy_base; `after` -1: nothing. Payload bytes sent. */
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    const struct stream *stream = table_get(&plane->streams, stream_id);
    *newest = leg ? rewriter_newest(leg->rewriter) : 0;
    uint16_t numbers[AWAITED + COPIED_AT_ONCE], behind = after < 0 ? 0 : (uint16_t)(*newest - (uint16_t)after);
    int count = leg && after >= 0 ? leg->awaited_count : 0, sent = 0;
    if (count)
        memcpy(numbers, leg->awaited, (size_t)count * sizeof *numbers);
    for (int back = (behind < COPIED_AT_ONCE ? behind : COPIED_AT_ONCE) - 1; back >= 0; back--)
        numbers[count++] = (uint16_t)(*newest - back);
    if (leg)
        leg->awaited_count = 0;
    for (int i = 0; leg && i < count; i++) {
        const struct media_packet *packet = kept(leg, stream, numbers[i], now_ms);
        if (!packet && (uint16_t)(*newest - numbers[i]) < AWAITED_BEHIND)
            await(leg, numbers[i]);
        if (!packet || packet->temporal_id)
            continue;
        if (sent + packet->payload_bytes > most_bytes)
            break;
        sent += send_again(plane, leg, numbers[i], packet, 0, now_ms);
    }
    flush(plane, now_ms);
    leave(plane);
    return sent;
}

int leg_repair(struct plane *plane, uint32_t id, uint32_t stream_id, uint16_t number, double now_ms, int how)
{
    /* Payload bytes of the packet behind an outgoing number, 0 when it is not here; sent again as REPAIR_... says. */
    enter(plane);
    struct leg *leg = table_get(&plane->legs, id);
    const struct stream *stream = table_get(&plane->streams, stream_id);
    const struct media_packet *packet = kept(leg, stream, number, now_ms);
    int bytes = packet ? packet->payload_bytes : 0;
    if (packet && how != REPAIR_LOOK) {
        send_again(plane, leg, number, packet, how == REPAIR_PROBE, now_ms);
        flush(plane, now_ms);
    }
    leave(plane);
    return bytes;
}
