/* What is missing of one stream, and when to ask for it (nack.LossDetector). */
#include "media.h"

#include <math.h>
#include <string.h>

void losses_init(struct loss_detector *losses, const struct loss_rules *rules)
{
    memset(losses, 0, sizeof *losses);
    losses->next = -1;
    losses->rules = *rules;
    losses->rtt_ms = rules->default_rtt_ms;
}

/* The oldest `count` are given up. */
static void drop_oldest(struct loss_detector *losses, int count)
{
    losses->count -= count;
    memmove(losses->pending, losses->pending + count, (size_t)losses->count * sizeof losses->pending[0]);
}

static void add(struct loss_detector *losses, int64_t start, int64_t stop, double due_ms, double now_ms)
{
    int64_t overflow = losses->count + stop - start - MAX_PENDING;
    if (overflow > 0) {
        int held = overflow < losses->count ? (int)overflow : losses->count;
        losses->needs_keyframe = 1;
        losses->given_up += overflow;
        drop_oldest(losses, held);
        start += overflow - held;
    }
    for (int64_t sequence = start; sequence < stop; sequence++)
        losses->pending[losses->count++] = (struct missing){sequence, due_ms, now_ms, 0};
}

void losses_had(struct loss_detector *losses, int64_t sequence)
{
    for (int at = 0; at < losses->count; at++) {
        if (losses->pending[at].sequence != sequence)
            continue;
        losses->count--;
        memmove(losses->pending + at, losses->pending + at + 1,
                (size_t)(losses->count - at) * sizeof losses->pending[0]);
        losses->recovered++;
        return;
    }
}

void losses_received(struct loss_detector *losses, int64_t sequence, double now_ms)
{
    int64_t expected = losses->next;
    double before_ms = losses->heard_ms;
    if (expected >= 0 && sequence < expected) {
        losses_had(losses, sequence);
        return;
    }
    losses->next = sequence + 1;
    if (expected < 0) /* `heard_ms` stays: as in the reference */
        return;
    losses->heard_ms = now_ms;
    if (sequence > expected) {
        double due_ms = before_ms + losses->rules.first_wait_ms;
        add(losses, expected, sequence, due_ms > now_ms ? due_ms : now_ms, now_ms);
    }
}

static double within(double value, double least, double most)
{
    value = value > least ? value : least;
    return value < most ? value : most;
}

int losses_due(struct loss_detector *losses, double now_ms, uint16_t *asked)
{
    const struct loss_rules *rules = &losses->rules;
    double rtt_ms = losses->rtt_ms, spacing_ms = within(rtt_ms, rules->min_spacing_ms, rules->max_spacing_ms);
    double longest_ms = within(2 * spacing_ms, rules->longest_pause_ms, rules->max_spacing_ms);
    double latest_ms = fmin(rules->useful_ms + rtt_ms, rules->latest_ms - rtt_ms);
    int found = 0, kept = 0;
    for (int at = 0; at < losses->count; at++) {
        struct missing each = losses->pending[at];
        if (now_ms >= each.due_ms) {
            int is_late = rules->useful_ms >= 0 && now_ms - each.since_ms > latest_ms;
            if (each.tries >= rules->max_tries || is_late) {
                losses->given_up++;
                losses->needs_keyframe = 1;
                continue;
            }
            each.due_ms = now_ms + fmin(spacing_ms * pow(rules->backoff, each.tries), longest_ms);
            each.tries++;
            asked[found++] = (uint16_t)each.sequence;
        }
        losses->pending[kept++] = each;
    }
    losses->count = kept;
    losses->asked += found;
    return found;
}

void losses_keyframe(struct loss_detector *losses, int64_t sequence)
{
    int kept = 0;
    for (int at = 0; at < losses->count; at++)
        if (losses->pending[at].sequence >= sequence)
            losses->pending[kept++] = losses->pending[at];
    losses->count = kept;
}

void losses_forget(struct loss_detector *losses)
{
    losses->count = 0;
    losses->next = -1;
}
