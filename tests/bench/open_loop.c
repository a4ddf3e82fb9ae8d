/*
 * The open loop: requests on a fixed schedule, whatever the answers take.
 *
 *     open_loop PORT RATE SECONDS CONNECTIONS FILE MARK FIRST sleep|poll
 *
 * sends the request in FILE to 127.0.0.1:PORT, RATE times a second for SECONDS. Wherever MARK stands in it, each
 * request has its number instead, from FIRST on, with as many digits as MARK has characters. A request that is
 * due while no connection is free waits for one, and its latency counts from the moment it was due. Between
 * answers it sleeps, or else asks for them all the time: then no answer has to wake it, which the server would
 * pay for, in a virtual machine with up to 40 us.
 *
 * Prints one line of JSON with latencies in milliseconds. Exits with 1 and a line on standard error if the
 * server closes a connection, and with 2 if it was called wrongly.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_ANSWER 65536
#define EVENTS 256
#define TIMER UINT32_MAX /* what epoll says instead of a connection's number */

static const int64_t SECOND = 1000000000;
static const int64_t LEAD = 50000000;      /* nanoseconds until the first request is due */
static const double PATIENCE = 10.0;       /* seconds for the last answers */

struct connection {
    int socket;
    char *request;
    size_t sent; /* bytes of the request */
    char answer[LONGEST_ANSWER + 1];
    size_t received; /* bytes of the answer */
    int64_t due;
};

/* What is sent. */
static char *template;
static size_t length;
static size_t *marks; /* where numbers belong */
static size_t mark_count;
static size_t digits;
static uint64_t next_number;

static struct connection *connections;
static uint32_t *idle; /* a ring: the connection that has rested longest is used next */
static size_t idle_start, idle_count, connection_count;

static int poller;

/* Milliseconds that answers took. */
struct latencies {
    double *all;
    size_t count;
};
static struct latencies accepted, refused; /* answered with 200, and with anything else */

static void fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(status);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        fail(1, "no memory");
    return memory;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void read_template(const char *path, const char *mark) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(2, "%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    length = (size_t)ftell(file);
    rewind(file);
    template = allocate(length, 1);
    if (fread(template, 1, length, file) != length)
        fail(2, "%s: not readable", path);
    fclose(file);
    digits = strlen(mark);
    marks = allocate(length, sizeof *marks);
    for (char *found = template; (found = memmem(found, length - (size_t)(found - template), mark, digits));) {
        marks[mark_count++] = (size_t)(found - template);
        found += digits;
    }
}

static void connect_all(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connections = allocate(connection_count, sizeof *connections);
    idle = allocate(connection_count, sizeof *idle);
    for (uint32_t i = 0; i < connection_count; i++) {
        struct connection *connection = &connections[i];
        int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
        if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address))
            fail(1, "cannot connect: %s", strerror(errno));
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(made, F_SETFL, O_NONBLOCK);
        connection->socket = made;
        connection->request = allocate(length, 1);
        memcpy(connection->request, template, length);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poller, EPOLL_CTL_ADD, made, &event);
        idle[idle_count++] = i;
    }
}

static void watch(uint32_t number, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u32 = number};
    epoll_ctl(poller, EPOLL_CTL_MOD, connections[number].socket, &event);
}

/* Send what can be sent now of a request. */
static void continue_sending(uint32_t number) {
    struct connection *connection = &connections[number];
    ssize_t sent = send(connection->socket, connection->request + connection->sent, length - connection->sent,
                        MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        fail(1, "cannot send: %s", strerror(errno));
    connection->sent += sent > 0 ? (size_t)sent : 0;
}

static void begin(int64_t due) {
    uint32_t number = idle[idle_start];
    idle_start = (idle_start + 1) % connection_count;
    idle_count--;
    struct connection *connection = &connections[number];
    char text[32];
    snprintf(text, sizeof text, "%0*llu", (int)digits, (unsigned long long)next_number++);
    for (size_t i = 0; i < mark_count; i++)
        memcpy(connection->request + marks[i], text, digits);
    connection->due = due;
    connection->sent = connection->received = 0;
    continue_sending(number);
    if (connection->sent < length)
        watch(number, EPOLLIN | EPOLLOUT);
}

/* Whether all of an answer is there: its head, and as much as that says. */
static int is_whole(const struct connection *connection) {
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strcasestr(connection->answer, "\r\ncontent-length:");
    size_t body = field && field < end ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
    return connection->received >= (size_t)(end - connection->answer) + 4 + body;
}

static void receive(uint32_t number) {
    struct connection *connection = &connections[number];
    ssize_t received = recv(connection->socket, connection->answer + connection->received,
                            LONGEST_ANSWER - connection->received, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0)
        fail(1, "the server closed a connection, or answers at too great a length");
    connection->received += (size_t)received;
    connection->answer[connection->received] = 0;
}

/* Count a request that is sent and answered, and let the next have its connection. */
static void finish(uint32_t number) {
    struct connection *connection = &connections[number];
    if (!connection->received || connection->sent < length || !is_whole(connection))
        return;
    connection->received = 0;
    struct latencies *latencies = strncmp(connection->answer, "HTTP/1.1 200 ", 13) ? &refused : &accepted;
    latencies->all[latencies->count++] = (double)(now() - connection->due) / 1e6;
    idle[(idle_start + idle_count++) % connection_count] = number;
}

static void wake_at(int timer, int64_t moment) {
    struct itimerspec when = {.it_value = {moment / SECOND, moment % SECOND}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Return the seconds that it took. */
static double run(size_t total, double rate, double seconds, int sleeps) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = TIMER}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    int64_t start = now() + LEAD, end = start + (int64_t)((seconds + PATIENCE) * 1e9);
    size_t begun = 0;
    while (accepted.count + refused.count < total && now() < end) {
        int64_t due = end;
        for (; idle_count && begun < total; begun++) {
            due = start + (int64_t)((double)begun / rate * 1e9);
            if (due > now())
                break;
            begin(due);
            due = end;
        }
        wake_at(timer, due);
        int count = epoll_wait(poller, events, EVENTS, sleeps ? -1 : 0);
        for (int i = 0; i < count; i++) {
            uint32_t number = events[i].data.u32;
            uint64_t expirations;
            if (number == TIMER) {
                if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
                    fail(1, "timer: %s", strerror(errno));
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                continue_sending(number);
                if (connections[number].sent == length)
                    watch(number, EPOLLIN);
            }
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                receive(number);
            finish(number);
        }
    }
    return (double)(now() - start) / 1e9;
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* Of sorted latencies. */
static double percentile(const struct latencies *latencies, double share) {
    return latencies->count ? latencies->all[(size_t)ceil(share * (double)latencies->count) - 1] : 0.0;
}

int main(int count, char **arguments) {
    if (count != 9 || (strcmp(arguments[8], "sleep") && strcmp(arguments[8], "poll")))
        fail(2, "usage: %s PORT RATE SECONDS CONNECTIONS FILE MARK FIRST sleep|poll", arguments[0]);
    double rate = atof(arguments[2]), seconds = atof(arguments[3]);
    connection_count = strtoul(arguments[4], NULL, 10);
    size_t total = (size_t)(rate * seconds);
    if (!connection_count || !total || strlen(arguments[6]) < 1 || strlen(arguments[6]) > 20)
        fail(2, "RATE x SECONDS and CONNECTIONS must be at least 1, MARK 1 to 20 characters");
    read_template(arguments[5], arguments[6]);
    next_number = strtoull(arguments[7], NULL, 10);
    accepted.all = allocate(total, sizeof *accepted.all);
    refused.all = allocate(total, sizeof *refused.all);
    poller = epoll_create1(0);
    connect_all(atoi(arguments[1]));
    double lasted = run(total, rate, seconds, !strcmp(arguments[8], "sleep"));
    qsort(accepted.all, accepted.count, sizeof *accepted.all, by_size);
    qsort(refused.all, refused.count, sizeof *refused.all, by_size);
    printf("{\"due\": %zu, \"accepted\": %zu, \"refused\": %zu, \"seconds\": %.3f, ", total, accepted.count,
           refused.count, lasted);
    printf("\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"refused_p99\": %.3f}\n", percentile(&accepted, 0.5),
           percentile(&accepted, 0.99), percentile(&accepted, 0.999), percentile(&refused, 0.99));
    return 0;
}
