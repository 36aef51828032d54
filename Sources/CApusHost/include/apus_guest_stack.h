// Stacks that guests run on beside those of threads, so that they can be left and come back to.
//
// Only generated code and the functions here are on such a stack when it is left: no frame of
// Swift's is, since what Swift keeps for a thread must not go from one to another.
#ifndef APUS_GUEST_STACK_H
#define APUS_GUEST_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "apus_context.h"
#include "apus_thread.h"

enum apus_guest_state {
    apus_guest_idle = 0,     // nothing runs there: a call may begin, or has ended
    apus_guest_running = 1,  // a guest runs there, or what it has called
    apus_guest_waiting = 2,  // a guest waits there for an asynchronous function of the host, or in
                             // a function of the runtime
    apus_guest_yielded = 3,  // a guest has had its turn: it goes on when others have had theirs
};

enum { apus_guest_cell_count = 64 };

/// A stack of a guest's, at the upper end of its mapping.
struct apus_guest_stack {
    uintptr_t sp;                     // where the side that does not run now has left off
    uintptr_t low;                    // lowest usable address
    uint64_t mapped_bytes;            // of the whole mapping, the page below `low` included
    uint32_t state;                   // apus_guest_state
    uint32_t status;                  // what the entry trampoline of the last call returned
    uintptr_t limit;                  // where guests may not go on: below are the host's functions
    void *owner;                      // unretained runtime GuestStack
    struct apus_guest_stack *parent;  // of the call that waits for what makes the one here
    // The call.
    uintptr_t entry;
    uintptr_t context;
    uintptr_t code;
    uint64_t *values;
    uint32_t argument_count;          // how many of the values may be references at first,
    uint32_t result_count;            // and in the end
    uint32_t has_more;                // the owner has something to give back after the call
    // What the guest waits for: the function, and its cells in the trampoline's frame.
    void *function;                   // unretained HostFunction; null: the runtime's
    uint64_t *arguments;
    // What of the store's context is this stack's while it is left.
    uintptr_t entry_sp;
    uintptr_t landing;
    uintptr_t entry_fp;
    uintptr_t exit_fp;
    uintptr_t exit_pc;
    // What of the thread's record is the thread's while this stack is on it.
    struct apus_store_context *outer;
    uintptr_t outer_stack_low;
    // What the thread sanitizer knows this stack by, and the one that is left for it.
    void *fiber;
    void *outer_fiber;
    uint64_t cells[apus_guest_cell_count]; // for `values`, where these are enough
};

/// Where the part of a stack ends that may be in use.
static inline uintptr_t apus_guest_stack_high(const struct apus_guest_stack *stack) {
    return (uintptr_t)stack;
}

/// Where a call's values are that has few.
static inline uint64_t *apus_guest_stack_cells(struct apus_guest_stack *stack) {
    return stack->cells;
}

/// A stack of `bytes` bytes, a page that nobody can touch included. Null if there is none.
struct apus_guest_stack *apus_guest_stack_make(uint64_t bytes);

/// Gives an idle stack back.
void apus_guest_stack_free(struct apus_guest_stack *stack);

// MARK: A stack that is used again and again

/// Takes the stack at `place`, which nobody else then takes; null: there is none.
static inline struct apus_guest_stack *apus_idle_stack_take(uintptr_t *place) {
    if (__atomic_load_n(place, __ATOMIC_RELAXED) == 0) return NULL;
    return (struct apus_guest_stack *)__atomic_exchange_n(place, 0, __ATOMIC_ACQUIRE);
}

/// Leaves `stack` at `place`. Whether there was room.
static inline int32_t apus_idle_stack_put(uintptr_t *place, struct apus_guest_stack *stack) {
    uintptr_t none = 0;
    return __atomic_compare_exchange_n(
        place, &none, (uintptr_t)stack, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/// Leaves the stack that this thread is on for where `stack` was left, and comes back when that
/// is left again, or has nothing more to do.
void apus_guest_stack_switch(struct apus_guest_stack *stack);

/// Makes the stack the one that the guests of `store` run on, with what was kept of the store when
/// it was left, on the calling thread.
static inline void apus_guest_stack_attach(
    struct apus_guest_stack *stack, struct apus_store_context *store) {
    struct apus_thread *thread = apus_thread_record();
    store->landing = stack->landing;
    store->entry_fp = stack->entry_fp;
    store->exit_fp = stack->exit_fp;
    store->exit_pc = stack->exit_pc;
    __atomic_store_n(&store->entry_sp, stack->entry_sp, __ATOMIC_RELAXED);
    store->requests = &thread->requests;
    store->guest_stack = stack;
    stack->outer = thread->current;
    stack->outer_stack_low = thread->stack_low;
    thread->stack_low = stack->low;
    thread->current = store;
    stack->state = apus_guest_running;
}

/// Undoes that, on the same thread.
static inline void apus_guest_stack_detach(
    struct apus_guest_stack *stack, struct apus_store_context *store) {
    struct apus_thread *thread = apus_thread_record();
    thread->current = stack->outer;
    thread->stack_low = stack->outer_stack_low;
    store->guest_stack = NULL;
    stack->entry_sp = store->entry_sp;
    stack->landing = store->landing;
    stack->entry_fp = store->entry_fp;
    stack->exit_fp = store->exit_fp;
    stack->exit_pc = store->exit_pc;
    __atomic_store_n(&store->entry_sp, 0, __ATOMIC_RELAXED);
}

/// Counts a call of `store` that begins on a stack of its own (1) or ends there (-1).
static inline void apus_stack_calls_add(struct apus_store_context *store, int32_t count) {
    // Only the store's own thread counts; others read.
    __atomic_store_n(&store->stack_calls, store->stack_calls + count, __ATOMIC_RELAXED);
}

/// The address of what host trampolines call for an asynchronous function: it leaves the guest's
/// stack until the host has done the work, or, where the guest has none of its own, calls the
/// context's `direct_code`.
uintptr_t apus_suspending_closure_address(void);

/// A function of the runtime, as compiled code calls it.
typedef uint64_t apus_runtime_function(
    struct apus_context *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

enum { apus_waiting_function_count = 12 };

/// The address of what compiled code calls instead of the `apus_runtime_function` at `function`,
/// which sets `must_wait` where it has to wait: the guest's stack is left, and the function is
/// called again with the same arguments when the host has done its work. `slot` is less than
/// `apus_waiting_function_count`, and another one for each function.
uintptr_t apus_waiting_function(uint32_t slot, uintptr_t function);

/// The address of what they call if the store asks for attention: the context's `attended`.
uintptr_t apus_host_call_address(void);

/// The value of `attended` for asynchronous functions: leaves the guest's stack, or calls
/// `direct_attended`.
uintptr_t apus_suspending_attended_address(void);

#endif
