#define _GNU_SOURCE
#include "apus_traps.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "apus_interrupt.h"
#include "apus_mapping.h"
#include "apus_thread.h"

#if defined(__linux__) && defined(__x86_64__)
#include <ucontext.h>
#define APUS_CAN_TRAP 1
#else
#define APUS_CAN_TRAP 0
#endif

// MARK: Code ranges

struct code_range {
    _Atomic uintptr_t start;
    _Atomic uintptr_t end;
    _Atomic uintptr_t sites;
    _Atomic uint64_t count;
};

/// Ranges in ascending order, as many as a table has room for. Never freed: a handler may read an
/// old one. Each is at least twice as large as the one before.
struct range_list {
    uint64_t capacity;
    struct code_range ranges[];
};

/// There are two tables, and handlers read the present one without a lock. A change is written to
/// the other one, which then becomes the present one: so a thread that a signal finds in the middle
/// of a change can read. Whoever was overtaken while reading sees it by the version, which is odd
/// while a table is written, and reads again.
struct range_table {
    _Atomic uint64_t version;
    struct range_list *_Atomic list;
    _Atomic uint64_t count;
};

static struct range_table tables[2];
static struct range_table *_Atomic present_table = &tables[0];
static pthread_mutex_t ranges_lock = PTHREAD_MUTEX_INITIALIZER;

static void copy_range(struct code_range *to, struct code_range *from) {
    atomic_store_explicit(
        &to->start, atomic_load_explicit(&from->start, memory_order_relaxed),
        memory_order_relaxed);
    atomic_store_explicit(
        &to->end, atomic_load_explicit(&from->end, memory_order_relaxed), memory_order_relaxed);
    atomic_store_explicit(
        &to->sites, atomic_load_explicit(&from->sites, memory_order_relaxed),
        memory_order_relaxed);
    atomic_store_explicit(
        &to->count, atomic_load_explicit(&from->count, memory_order_relaxed),
        memory_order_relaxed);
}

/// How many of the first `count` ranges start at or before `address`.
static uint64_t position_of(struct range_list *list, uint64_t count, uintptr_t address) {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uintptr_t start = atomic_load_explicit(&list->ranges[middle].start, memory_order_relaxed);
        if (start > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/// A list for `table` with room for `count` ranges: its own, or a new one. Null if memory is out.
static struct range_list *room_for(struct range_table *table, uint64_t count) {
    struct range_list *list = atomic_load(&table->list);
    if (list && list->capacity >= count) return list;
    uint64_t capacity = 64;
    while (capacity < count) capacity *= 2;
    struct range_list *larger =
        apus_allocate(sizeof *larger + capacity * sizeof larger->ranges[0]);
    if (larger) larger->capacity = capacity;
    return larger;
}

/// Makes the other table the present one, with the range at `position` left out or, if there is
/// one to add, that before it. Returns whether there was memory.
static int replace_table(uint64_t position, struct code_range *added) {
    struct range_table *old = atomic_load(&present_table);
    struct range_table *new = old == &tables[0] ? &tables[1] : &tables[0];
    struct range_list *source = atomic_load(&old->list);
    uint64_t old_count = atomic_load(&old->count);
    uint64_t count = added ? old_count + 1 : old_count - 1;
    struct range_list *list = room_for(new, count);
    if (!list) return 0;
    atomic_fetch_add(&new->version, 1);
    atomic_thread_fence(memory_order_seq_cst);
    for (uint64_t index = 0; index < position; index++) {
        copy_range(&list->ranges[index], &source->ranges[index]);
    }
    if (added) copy_range(&list->ranges[position], added);
    uint64_t to = added ? position + 1 : position;
    for (uint64_t index = added ? position : position + 1; index < old_count; index++) {
        copy_range(&list->ranges[to++], &source->ranges[index]);
    }
    atomic_store(&new->list, list);
    atomic_store(&new->count, count);
    atomic_fetch_add(&new->version, 1);
    atomic_store(&present_table, new);
    return 1;
}

int32_t apus_code_range_add(
    uintptr_t start, uintptr_t end, const struct apus_trap_site *sites, uint64_t count) {
    struct code_range range = {start, end, (uintptr_t)sites, count};
    pthread_mutex_lock(&ranges_lock);
    struct range_table *table = atomic_load(&present_table);
    uint64_t position =
        position_of(atomic_load(&table->list), atomic_load(&table->count), start);
    int done = replace_table(position, &range);
    pthread_mutex_unlock(&ranges_lock);
    return done;
}

void apus_code_range_remove(uintptr_t start) {
    pthread_mutex_lock(&ranges_lock);
    struct range_table *table = atomic_load(&present_table);
    struct range_list *list = atomic_load(&table->list);
    uint64_t position = position_of(list, atomic_load(&table->count), start);
    if (position > 0 && atomic_load(&list->ranges[position - 1].start) == start) {
        // This needs no memory: one change ago the other table was as long, or longer.
        replace_table(position - 1, NULL);
    }
    pthread_mutex_unlock(&ranges_lock);
}

/// What is known of the code at an address.
struct code_slice {
    uintptr_t start;  // 0: no code is there
    const struct apus_trap_site *sites;
    uint64_t count;
};

static struct code_slice slice_at(uintptr_t pc) {
    for (;;) {
        struct code_slice slice = {0};
        struct range_table *table = atomic_load(&present_table);
        uint64_t version = atomic_load(&table->version);
        struct range_list *list = atomic_load(&table->list);
        uint64_t count = atomic_load(&table->count);
        if (list) {
            if (count > list->capacity) count = list->capacity;
            uint64_t position = position_of(list, count, pc);
            if (position > 0) {
                struct code_range *range = &list->ranges[position - 1];
                if (pc < atomic_load_explicit(&range->end, memory_order_relaxed)) {
                    slice.start = atomic_load_explicit(&range->start, memory_order_relaxed);
                    slice.sites = (const struct apus_trap_site *)atomic_load_explicit(
                        &range->sites, memory_order_relaxed);
                    slice.count = atomic_load_explicit(&range->count, memory_order_relaxed);
                }
            }
        }
        atomic_thread_fence(memory_order_acquire);
        if (version % 2 == 0 && atomic_load(&table->version) == version) return slice;
    }
}

int32_t apus_code_covers(uintptr_t pc) {
    return slice_at(pc).start != 0;
}

// MARK: Traces

uint32_t apus_trace_walk(
    uintptr_t fp, uintptr_t low, uintptr_t end, uintptr_t *trace, uint32_t capacity) {
    uint32_t count = 0;
    // Frames lie at ever higher addresses between the stack pointer and the entry trampoline's:
    // anything else is damage.
    if (fp < low) return 0;
    while (count < capacity && fp < end && fp % sizeof(uintptr_t) == 0) {
        const uintptr_t *frame = (const uintptr_t *)fp;
        if (frame[0] <= fp) break;
        // The outermost wasm function returns into the entry trampoline, which is no frame.
        if (frame[0] >= end) break;
        trace[count++] = frame[1];
        fp = frame[0];
    }
    return count;
}

void apus_trace_capture(
    struct apus_store_context *store, uintptr_t pc, uintptr_t fp, uintptr_t sp) {
    store->trace_count = 0;
    if (store->trace_capacity == 0) return;
    uintptr_t stack_low = apus_this_thread.stack_low;
    store->trace[0] = pc;
    store->trace_count = 1 + apus_trace_walk(
                                 fp, sp > stack_low ? sp : stack_low, store->entry_fp,
                                 store->trace + 1, store->trace_capacity - 1);
}

static void trap_leave(struct apus_store_context *store) {
    store->trap_signal = 0;
    apus_trace_capture(store, store->exit_pc, store->exit_fp, apus_stack_address());
}

uintptr_t apus_trap_leave_address(void) {
    return (uintptr_t)trap_leave;
}

// MARK: The handler

#if APUS_CAN_TRAP
/// The trap code listed for `pc`, or 0.
static uint32_t listed_trap(const struct apus_trap_site *sites, uint64_t count, uint32_t offset) {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (sites[middle].code_offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    // A return address may be listed at the same place.
    for (; low < count && sites[low].code_offset == offset; low++) {
        if (sites[low].packed >> 24) return sites[low].packed >> 24;
    }
    return 0;
}

static uint32_t trap_at(uintptr_t pc) {
    struct code_slice slice = slice_at(pc);
    return slice.start ? listed_trap(slice.sites, slice.count, (uint32_t)(pc - slice.start)) : 0;
}

static int resume_after_trap(int signal, siginfo_t *info, void *machine) {
    struct apus_store_context *store = apus_this_thread.current;
    // Signals that someone sent (si_code <= 0) are not faults of the code they hit.
    if (!store || store->entry_sp == 0 || info->si_code <= 0) return 0;
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    uint32_t trap = trap_at(pc);
    if (trap == 0) return 0;
    store->trap = trap;
    store->trap_signal = (uint32_t)signal;
    store->trap_pc = pc;
    store->trap_fp = (uintptr_t)registers[REG_RBP];
    store->trap_address = (uintptr_t)info->si_addr;
    apus_trace_capture(store, pc, store->trap_fp, (uintptr_t)registers[REG_RSP]);
    if (store->is_metered) store->fuel = registers[REG_R14];
    registers[REG_RIP] = (greg_t)store->landing;
    registers[REG_RSP] = (greg_t)store->entry_sp;
    return 1;
}
#else
static int resume_after_trap(int signal, siginfo_t *info, void *machine) {
    (void)signal, (void)info, (void)machine;
    return 0;
}
#endif

static const int trap_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
enum { trap_signal_count = sizeof trap_signals / sizeof trap_signals[0] };
static struct sigaction previous_actions[trap_signal_count];
static int32_t install_error;
static pthread_once_t install_once = PTHREAD_ONCE_INIT;

void apus_signal_pass_on(
    int signal, void *details, void *machine, const struct sigaction *previous) {
    siginfo_t *info = details;
    int was_sent = info->si_code <= 0;
    if (!(previous->sa_flags & SA_SIGINFO)) {
        if (previous->sa_handler == SIG_IGN && was_sent) return;
        if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
            // A fault happens again on return and then takes its default course.
            struct sigaction by_default = {.sa_handler = SIG_DFL};
            sigaction(signal, &by_default, NULL);
            if (was_sent) raise(signal);
            return;
        }
    }
    sigset_t mask = previous->sa_mask;
    if (!(previous->sa_flags & SA_NODEFER)) sigaddset(&mask, signal);
    sigset_t saved;
    pthread_sigmask(SIG_BLOCK, &mask, &saved);
    if (previous->sa_flags & SA_NODEFER) {
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, signal);
        pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    }
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(signal, info, machine);
    } else {
        previous->sa_handler(signal);
    }
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void handle_signal(int signal, siginfo_t *info, void *machine) {
    int saved_errno = errno;
    if (!resume_after_trap(signal, info, machine)
        && !apus_interrupt_answer(signal, info, machine)) {
        for (int index = 0; index < trap_signal_count; index++) {
            if (trap_signals[index] != signal) continue;
            apus_signal_pass_on(signal, info, machine, &previous_actions[index]);
        }
    }
    errno = saved_errno;
}

static void install(void) {
    for (int index = 0; index < trap_signal_count; index++) {
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
        action.sa_sigaction = handle_signal;
        sigemptyset(&action.sa_mask);
        if (sigaction(trap_signals[index], &action, &previous_actions[index]) != 0) {
            install_error = errno;
            return;
        }
    }
}

int32_t apus_traps_install(void) {
    pthread_once(&install_once, install);
    return install_error;
}

int apus_traps_own_signal(void) {
    for (int index = trap_signal_count - 1; index >= 0; index--) {
        struct sigaction present;
        if (sigaction(trap_signals[index], NULL, &present) != 0) continue;
        if (!(present.sa_flags & SA_SIGINFO) || present.sa_sigaction != handle_signal) continue;
        return trap_signals[index];
    }
    return 0;
}

int32_t apus_traps_unblock(void) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < trap_signal_count; index++) sigaddset(&set, trap_signals[index]);
    return pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
