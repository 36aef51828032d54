#define _GNU_SOURCE
#include "apus_traps.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "apus_code_ranges.h"
#include "apus_interrupt.h"
#include "apus_leaving.h"
#include "apus_thread.h"

#if defined(__linux__) && defined(__x86_64__)
#include <ucontext.h>
#define APUS_CAN_TRAP 1
#else
#define APUS_CAN_TRAP 0
#endif

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

void apus_trace_contexts(
    uintptr_t fp, uintptr_t low, uintptr_t end, uintptr_t tail_return, const uintptr_t *trace,
    uintptr_t *contexts, uint32_t count) {
    // Where `FrameLayout` and `TailFrame` (ApusABI) have them.
    enum { kept_context = -1, restored_context = -2 };
    for (uint32_t index = 0; index < count; index++) {
        contexts[index] = 0;
        if (fp < low || fp >= end || fp % sizeof(uintptr_t) != 0) continue;
        const uintptr_t *frame = (const uintptr_t *)fp;
        int word = trace[index] == tail_return ? restored_context : kept_context;
        if (fp - low >= 2 * sizeof(uintptr_t)) contexts[index] = frame[word];
        fp = frame[0];
    }
}

void apus_trace_capture(
    struct apus_store_context *store, uintptr_t pc, uintptr_t fp, uintptr_t sp) {
    apus_trace_note(store, 0);
    if (store->trace_capacity == 0) return;
    uintptr_t stack_low = apus_this_thread.stack_low;
    store->trace[0] = pc;
    uintptr_t low = sp > stack_low ? sp : stack_low;
    uint32_t outer = apus_trace_walk(
        fp, low, store->entry_fp, store->trace + 1, store->trace_capacity - 1);
    if (store->trace_contexts)
        apus_trace_contexts(
            fp, low, store->entry_fp, store->tail_return, store->trace, store->trace_contexts,
            1 + outer);
    apus_trace_note(store, 1 + outer);
}

/// Says where guests go on with the exception that is being thrown, or if they do not go on, 0,
/// after noting their frames.
static uintptr_t trap_leave(struct apus_store_context *store, uintptr_t context) {
    store->trap_signal = 0;
    store->trap_context = context;
    if (store->trapped) store->trapped(store);
    uintptr_t landing = store->catch_pc;
    if (landing != 0) {
        store->catch_pc = 0;
        store->trap = 0;
        // Nobody may keep a guest that is to stop from it.
        if (!__atomic_load_n(&store->interrupt, __ATOMIC_ACQUIRE)) return landing;
    }
    apus_trace_capture(store, store->exit_pc, store->exit_fp, apus_stack_address());
    return 0;
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
    return low < count && sites[low].code_offset == offset ? sites[low].packed >> 24 : 0;
}

static uint32_t trap_at(uintptr_t pc) {
    struct apus_code_slice slice = apus_code_at(pc);
    return slice.start ? listed_trap(slice.sites, slice.count, (uint32_t)(pc - slice.start)) : 0;
}

/// Where guests go on that have trapped, if somebody wants to look at their frames first.
_Noreturn static void tell_of_trap(struct apus_store_context *store) {
    store->exit_pc = store->trap_pc;
    store->exit_fp = store->trap_fp;
    store->trapped(store);
    apus_leaving_land(store);
}

static int resume_after_trap(int signal, siginfo_t *info, void *machine) {
    struct apus_store_context *store = apus_this_thread.current;
    // Signals that someone sent (si_code <= 0) are not faults of the code they hit.
    if (!store || store->entry_sp == 0 || info->si_code <= 0) return 0;
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    uint32_t trap = trap_at((uintptr_t)registers[REG_RIP]);
    if (trap == 0) return 0;
    store->trap = trap;
    apus_leaving_note_signal(store, signal, (uintptr_t)info->si_addr, machine);
    if (store->trapped) {
        // As if the guest had called it: the stack is aligned but for a return address.
        registers[REG_RIP] = (greg_t)tell_of_trap;
        registers[REG_RDI] = (greg_t)store;
        registers[REG_RSP] = (registers[REG_RSP] & -16) - 8;
        return 1;
    }
    apus_leaving_land_after_signal(store, machine);
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
        // Host functions do not notice where it is sent instead of the interrupt signal.
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
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
