/* How packets leave: SRTP closed over them, packets of one size in one trip through the kernel, full buffers told. */
#include "inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

void congested(struct leg *leg, double now_ms)
{
    if (!leg)
        return; /* a repair or a probe: it will be asked for again */
    leg->dropped++;
    if (leg->is_video) { /* a torn picture is worse than a still one: wait for a whole one */
        rewriter_pause(leg->rewriter);
        leg->blocked_until_ms = now_ms + CONGESTION_MS;
    }
}

static int is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

static void send_one(struct plane *plane, struct line *line, struct leg *leg, const uint8_t *packet, int bytes,
                     double now_ms)
{
    if (send(line->fd, packet, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        plane->facts.forwarded++;
    else if (is_full(errno))
        congested(leg, now_ms);
    else
        plane->facts.failed++;
}

static int send_segmented(int fd, const struct burst *burst)
{
    /* One trip through the kernel for the whole burst (UDP_SEGMENT); on the wire they are the same datagrams. */
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec part = {(void *)burst->data, (size_t)burst->bytes};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    uint16_t size = (uint16_t)burst->size;
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(c), &size, sizeof size);
    return sendmsg(fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

static void limit_bursts(struct line *line, const struct burst *burst, int error)
{
    /* EIO: this way takes none at all (IPsec, no checksums). EINVAL, EMSGSIZE: packets of this size are above its MTU
     * and must be fragmented, smaller ones may go on. Anything else was no refusal. A new way is asked anew. */
    if (error == EIO || error == EOPNOTSUPP)
        line->burst_bytes = 0;
    else if (error == EINVAL || error == EMSGSIZE)
        line->burst_bytes = burst->size - 1;
}

static void flush_line(struct plane *plane, struct line *line, double now_ms)
{
    struct burst *burst = line->burst;
    if (!burst || !burst->count)
        return;
    int error = burst->count == 1 ? EIO : send_segmented(line->fd, burst);
    if (!error) {
        plane->facts.forwarded += (uint64_t)burst->count;
        plane->facts.bursts++;
    } else if (is_full(error)) {
        for (int i = 0; i < burst->count; i++)
            congested(burst->legs[i], now_ms);
    } else {
        if (burst->count > 1)
            limit_bursts(line, burst, error);
        for (int i = 0, at = 0; i < burst->count; i++, at += burst->size)
            send_one(plane, line, burst->legs[i], burst->data + at,
                     burst->bytes - at < burst->size ? burst->bytes - at : burst->size, now_ms);
    }
    burst->count = burst->bytes = burst->is_ended = 0;
}

void flush(struct plane *plane, double now_ms)
{
    for (int i = 0; i < plane->pending_count; i++)
        flush_line(plane, plane->pending[i], now_ms);
    plane->pending_count = 0;
}

static void queue(struct plane *plane, struct line *line, struct leg *leg, const uint8_t *packet, int bytes,
                  double now_ms)
{
    struct burst *burst = line->burst;
    if (burst->count &&
        (burst->is_ended || burst->count == BURST_PACKETS || bytes > burst->size))
        flush_line(plane, line, now_ms);
    if (!burst->count) {
        burst->size = bytes;
        int is_listed = 0;
        for (int i = 0; i < plane->pending_count && !is_listed; i++)
            is_listed = plane->pending[i] == line;
        if (!is_listed) {
            if (plane->pending_count == PENDING_LINES)
                flush(plane, now_ms);
            plane->pending[plane->pending_count++] = line;
        }
    }
    burst->is_ended = bytes < burst->size;
    burst->legs[burst->count++] = leg;
    memcpy(burst->data + burst->bytes, packet, (size_t)bytes);
    burst->bytes += bytes;
}

static void number_widely(struct line *line, uint8_t *packet, int bytes, int wide_at, double now_ms)
{
    if (wide_at <= 0 || wide_at + 2 > bytes || !line->history)
        return;
    packet[wide_at] = (uint8_t)(line->wide >> 8);
    packet[wide_at + 1] = (uint8_t)line->wide;
    line->history[line->wide % WIDE_HISTORY] = (struct sent){line->wide, now_ms, (uint32_t)bytes};
    line->wide++;
}

int transmit_report(struct plane *plane, struct line *line, uint8_t *packet, int bytes)
{
    /* 0, or -1 when it could not be protected. Reports are repeated: a full buffer is nobody's loss. */
    if (!line->tx || plane->protect_rtcp(line->tx, packet, &bytes))
        return -1;
    if (line->fd < 0)
        record_send(plane, line->id, NULL, packet, bytes);
    else if (send(line->fd, packet, (size_t)bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && !is_full(errno))
        plane->facts.failed++;
    return 0;
}

int transmit(struct plane *plane, struct line *line, struct leg *leg, uint8_t *packet, int bytes, int wide_at,
             double now_ms)
{
    /* 0, or -1 when it could not be protected. `packet` has room for the SRTP trailer. `leg`: of a packet that is new;
     * NULL: a repair or a probe. `wide_at`: where its transport-wide number belongs, 0 when it has none. */
    if (!line->tx || bytes > MAX_PLAIN) {
        plane->facts.failed++;
        return -1;
    }
    number_widely(line, packet, bytes, wide_at, now_ms);
    if (plane->protect(line->tx, packet, &bytes)) {
        plane->facts.failed++;
        return -1;
    }
    if (line->fd < 0) {
        if (record_send(plane, line->id, leg, packet, bytes))
            plane->facts.forwarded++;
        else
            congested(leg, now_ms);
    } else if (line->burst && bytes <= line->burst_bytes) {
        queue(plane, line, leg, packet, bytes, now_ms);
    } else {
        flush_line(plane, line, now_ms); /* it must not overtake what waits */
        send_one(plane, line, leg, packet, bytes, now_ms);
    }
    return 0;
}
