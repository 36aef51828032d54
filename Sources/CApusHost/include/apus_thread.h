// What the runtime keeps for each thread that runs wasm.
#ifndef APUS_THREAD_H
#define APUS_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include "apus_context.h"

struct apus_sampler;

struct apus_thread {
    struct apus_store_context *current;  // whose wasm this thread runs, innermost; null: none
    uintptr_t stack_low;                 // lowest usable address of the thread's stack
    int32_t prepared;                    // apus_thread_prepare has succeeded here
    int32_t id;                          // the system's number of the thread; 0: not asked yet
    // Of interruption; other threads change the first four while this one is in a call.
    uint32_t requests;                   // calls on this thread that are to end
    uint32_t unanswered;                 // signals since one was answered
    uint64_t reason;                     // of the latest request
    uint32_t answers;                    // signals of ours that have arrived
    uint32_t seen_answers;               // of which the sender knows
    int32_t ends_waits;                  // system calls are to end with EINTR
    int32_t is_polled;                   // nobody sends signals: waits have to look
    int32_t blocks_signal;               // it was in a call, and has blocked the signal again
    int32_t passes_on;                   // a signal is with whoever had it before
    struct apus_sampler *sampler;        // where its next sample goes; null: nobody wants one
    uint32_t is_sampling;                // the handler is about to look there, or has it
    uint32_t wakes;                      // how often it was to be woken from a wait of a guest's
};

#if defined(__ELF__)
#define APUS_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define APUS_TLS_MODEL
#endif

extern _Thread_local struct apus_thread apus_this_thread APUS_TLS_MODEL;

/// The calling thread's record.
static inline struct apus_thread *apus_thread_record(void) {
    return &apus_this_thread;
}

/// Where it is told that the thread is to leave wasm.
static inline const uint32_t *apus_thread_requests(const struct apus_thread *thread) {
    return &thread->requests;
}

/// An address in the caller's stack frame.
static inline uintptr_t apus_stack_address(void) {
    return (uintptr_t)__builtin_frame_address(0);
}

/// Calls `body` with what is in the registers that callees keep on the stack above its frame.
void apus_with_registers_on_stack(void (*body)(void *), void *argument);

/// Finds the thread's stack bounds and gives it a signal stack if it has none. Returns 0 or an
/// error number. The signal stack goes when the thread ends.
int32_t apus_thread_prepare(void);

/// Why calls of the store have to take the long way.
static inline uint32_t apus_attention_of(const struct apus_store_context *store) {
    return __atomic_load_n(&store->attention, __ATOMIC_RELAXED);
}

/// Sets or clears reasons for that. Any thread; the store must live.
static inline void apus_attention_set(
    struct apus_store_context *store, uint32_t reasons, int32_t is_needed) {
    if (is_needed) {
        __atomic_fetch_or(&store->attention, reasons, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&store->attention, ~reasons, __ATOMIC_RELAXED);
    }
}

/// Whether a call into the store's guests has begun and not ended, or has ended in a trap whose
/// frames nobody has looked up yet. Any thread; the store must live.
static inline int32_t apus_store_is_entered(const struct apus_store_context *store) {
    // In this order: frames are noted before a trap leaves the guest.
    return __atomic_load_n(&store->entry_sp, __ATOMIC_ACQUIRE) != 0
        || __atomic_load_n(&store->stack_calls, __ATOMIC_RELAXED) != 0
        || __atomic_load_n(&store->trace_count, __ATOMIC_RELAXED) != 0;
}

/// Notes how many frames a trap has left in the trace; others may look (`apus_store_is_entered`).
static inline void apus_trace_note(struct apus_store_context *store, uint32_t count) {
    __atomic_store_n(&store->trace_count, count, __ATOMIC_RELAXED);
}

/// Has the calling thread run soon after it is woken, as one that never runs for long may, where
/// the system can do so: Linux since 6.12.
void apus_thread_take_short_turns(void);

/// Has the calling thread let others run soon that are woken, and run for longer when it is its
/// turn, likewise: for those that compute.
///
/// Linux runs the thread whose turn is to end first. A turn that is shorter than a timer's tick is
/// overrun each time, so threads with such turns are all overdue when there are more of them than
/// processors, and whoever is woken waits until half of them have run.
void apus_thread_take_long_turns(void);

/// Has all threads of the process pass a memory barrier: what they did before it is seen here after
/// it, and they see after it what was done here before. Returns 0, or an error number where the
/// system has no such call.
int32_t apus_thread_barrier(void);

// MARK: Activations

/// Keeps the activation that has called the host, which is about to enter wasm again. With frames
/// of the host's between them, nobody can leave the stack.
static inline void apus_activation_keep(
    struct apus_store_context *store, struct apus_outer_activation *kept) {
    *kept = (struct apus_outer_activation){
        .entry_sp = store->entry_sp,
        .landing = store->landing,
        .entry_fp = store->entry_fp,
        .exit_fp = store->exit_fp,
        .exit_pc = store->exit_pc,
        .guest_stack = store->guest_stack,
        .next = store->outer,
    };
    store->guest_stack = NULL;
    // A signal handler follows these.
    __atomic_store_n(&store->outer, kept, __ATOMIC_RELEASE);
}

/// Goes back to it.
static inline void apus_activation_restore(
    struct apus_store_context *store, const struct apus_outer_activation *kept) {
    store->landing = kept->landing;
    store->entry_fp = kept->entry_fp;
    store->exit_fp = kept->exit_fp;
    store->exit_pc = kept->exit_pc;
    store->guest_stack = kept->guest_stack;
    __atomic_store_n(&store->entry_sp, kept->entry_sp, __ATOMIC_RELAXED);
    __atomic_store_n(&store->outer, kept->next, __ATOMIC_RELEASE);
}

/// The activation has ended that there is none around.
static inline void apus_activation_end(struct apus_store_context *store) {
    // The next one has not been left for the host yet.
    store->exit_fp = 0;
    __atomic_store_n(&store->entry_sp, 0, __ATOMIC_RELEASE);
}

/// Calls an entry trampoline: 0 if the function returned, 1 after a trap. What the context says of
/// the activation is for the caller to keep or to end.
static inline uint32_t apus_enter(
    uintptr_t entry, uintptr_t context, uintptr_t code, uint64_t *values) {
    uint32_t (*function)(struct apus_context *, const void *, uint64_t *) =
        (uint32_t (*)(struct apus_context *, const void *, uint64_t *))entry;
    return function((struct apus_context *)context, (const void *)code, values);
}

#endif
