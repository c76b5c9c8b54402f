/* Where every outgoing number came from: two short memories that are only looked at off the hot path. */
#include "spans.h"

#include <string.h>

void spans_push(struct span_history *history, const struct span *span)
{
    struct span *spans = history->spans;
    if (history->count > 0 && spans[history->count - 1].first_out == span->first_out) {
        spans[history->count - 1] = *span;
        return;
    }
    spans[history->count++] = *span;
    if (history->count > MAX_SPANS) {
        history->count -= MAX_SPANS / 2;
        memmove(spans, spans + MAX_SPANS / 2, (size_t)history->count * sizeof *spans);
    }
}

const struct span *spans_place_of(const struct span_history *history, int64_t ssrc, int64_t sequence, int64_t next_out,
                                  int64_t *out)
{
    int64_t limit = next_out;
    for (int at = history->count - 1; at >= 0; at--) {
        const struct span *span = &history->spans[at];
        if (span->ssrc != ssrc)
            return NULL;
        if (sequence >= span->first_in) {
            *out = sequence + span->sequence_offset;
            return *out < limit ? span : NULL;
        }
        limit = span->first_out;
    }
    return NULL;
}

const struct span *spans_origin_of(const struct span_history *history, uint16_t sequence, int64_t next_out,
                                   int64_t *out)
{
    int64_t reference = next_out - 1;
    *out = reference + ((sequence - reference + 0x8000) & 0xFFFF) - 0x8000; /* sequence.nearest_extended */
    if (*out >= next_out)
        return NULL;
    for (int at = history->count - 1; at >= 0; at--)
        if (*out >= history->spans[at].first_out)
            return &history->spans[at];
    return NULL;
}

void left_remember(struct left_layers *left, int64_t ssrc, int64_t sequence)
{
    int at = 0;
    while (at < left->count && left->layers[at].ssrc != ssrc)
        at++;
    if (at == LAYERS_REMEMBERED)
        at = 0;
    if (at < left->count) {
        left->count--;
        memmove(left->layers + at, left->layers + at + 1, (size_t)(left->count - at) * sizeof left->layers[0]);
    }
    left->layers[left->count].ssrc = ssrc;
    left->layers[left->count++].sequence = sequence;
}

int64_t left_at(const struct left_layers *left, int64_t ssrc)
{
    for (int at = 0; at < left->count; at++)
        if (left->layers[at].ssrc == ssrc)
            return left->layers[at].sequence;
    return -1;
}
