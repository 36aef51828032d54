// The records that compiled code, the signal handler and the runtime share. This header is their
// one definition: Swift reads the offsets with MemoryLayout.offset(of:), the compilers through
// ApusABI's ContextLayout. All fields are native-endian; sizes are checked by ApusABI's tests.
#ifndef APUS_CONTEXT_H
#define APUS_CONTEXT_H

#include <stdint.h>

struct apus_context;
struct apus_guest_stack;
struct apus_thread;

/// A linear memory as compiled code sees it. `base` never changes once set; `bytes` of a shared one
/// is changed by other threads.
struct apus_memory {
    uint8_t *base;
    uint64_t bytes;
};

/// The present size of a memory, all of which can be used.
static inline uint64_t apus_memory_bytes(const struct apus_memory *memory) {
    return __atomic_load_n(&memory->bytes, __ATOMIC_ACQUIRE);
}

/// Lets whoever uses a memory have its first `bytes`.
static inline void apus_memory_set_bytes(struct apus_memory *memory, uint64_t bytes) {
    __atomic_store_n(&memory->bytes, bytes, __ATOMIC_RELEASE);
}

/// A table. Elements are 8 bytes: the address of an apus_funcref, or an externref handle; 0 is
/// null.
struct apus_table {
    uint64_t *elements;
    uint64_t count;
};

/// A function value: what a funcref points to. Lives as long as the store of its instance.
struct apus_funcref {
    void *code;                    // entry in the wasm calling convention
    struct apus_context *context;  // the callee's context, for r15
    uint32_t signature;            // engine-wide id of the function's type
    uint32_t function_index;       // in the owner's index space (host functions: 0)
    void *owner;                   // unretained InstanceState or HostFunction
};

enum {
    apus_type_near = 8,       // supertypes that a type's record names itself
    apus_type_depth = 63,     // the most that may be above a type
};

/// What is known of a type of an engine. A slot's record is found by its number: ids have it in
/// their lowest bits.
struct apus_type {
    uint32_t id;                      // 0: nobody has the slot
    uint8_t kind;                     // function, structure, array (ApusFormat CompositeKind)
    uint8_t is_final;
    uint8_t depth;                    // how many supertypes are above it
    uint8_t padding;
    const uint32_t *far;              // its display from depth 8 on
    uint32_t display[apus_type_near]; // ids of its supertypes from the top, its own at `depth`,
                                      // then 0: a subtype has a type's id at the type's depth
    // Where references are in a structure: bit i is its i-th word of 8 bytes, counted from the
    // header on; or the address of such bits (apus_tracing_far).
    uint64_t references;
    uint32_t bytes;                   // of a structure, a multiple of 16; of an array's element
    uint8_t tracing;                  // apus_tracing
    uint8_t room[3];                  // 64 bytes in all, so that a slot is shifted to its place
};

/// How the collector finds the references in an object.
enum apus_tracing {
    apus_tracing_none = 0,      // there are none
    apus_tracing_near = 1,      // of a structure: bits in `references`
    apus_tracing_far = 2,       // of a structure: bits at the address in `references`
    apus_tracing_elements = 3,  // all elements of an array
};

/// The head of every object of a store's heap.
struct apus_object {
    uint32_t type;    // id of its type, which is a structure or an array
    uint32_t length;  // of an array, how many elements it has; 0
};

/// An imported function, resolved. It begins as an apus_funcref does, and compiled code takes it
/// for one where it only wants to go there.
struct apus_function_import {
    void *code;
    struct apus_context *context;
};

/// An exception, which does not change any more once it is thrown. A reference is its address.
struct apus_exception {
    const void *tag;       // unretained runtime Tag: two are the same if these are
    void *owner;           // unretained runtime Exception
    uint64_t values[];     // what it carries, in cells of 8 bytes, 16 for a v128
};

/// Reasons for calls to take the long way. None is set in most stores.
enum apus_attention {
    apus_attention_collect = 1,    // host objects may have piled up
    apus_attention_interrupt = 2,  // calls announce themselves to the store's interrupter
    apus_attention_hook = 4,       // the embedder wants to know of calls
    apus_attention_refused = 8,    // no guest may run
    apus_attention_images = 16,    // code images wait for the call to end; other threads set it
    apus_attention_suspended = 32, // a guest waits on a stack of its own
    apus_attention_asynchronous = 64, // guests may call functions that have to be waited for
    apus_attention_lent = 128,     // the host has bytes of a memory in place: no guest may run
};

/// Whether a function of the runtime runs that may wait (apus_guest_stack.h).
enum apus_waiting_call {
    apus_waiting_call_none = 0,
    apus_waiting_call_first = 1,
    apus_waiting_call_again = 2,  // it has waited before
};

/// What belongs to an activation in the store's context while another runs that it has called
/// through a function of the host's. Lies in the frame of who enters that.
struct apus_outer_activation {
    uintptr_t entry_sp;
    uintptr_t landing;
    uintptr_t entry_fp;
    uintptr_t exit_fp;
    uintptr_t exit_pc;
    struct apus_guest_stack *guest_stack;
    struct apus_outer_activation *next;  // the one around it
};

/// One per store: the state of the wasm activations of the thread that is inside it.
struct apus_store_context {
    uintptr_t entry_sp;     // rsp the entry trampoline left; where a trap resumes. 0: not in wasm
    uintptr_t landing;      // address in the entry trampoline at which a trap resumes
    uintptr_t entry_fp;     // rbp of the innermost entry trampoline's frame: end of frame walks
    uintptr_t exit_fp;      // rbp of the wasm frame that last left to the host
    uintptr_t exit_pc;      // its return address
    uint32_t trap;          // pending trap code (ApusABI TrapCode), 0 if none
    uint32_t interrupt;     // not 0: leave wasm soon; other threads set it. Read with `trap` as one
    uint32_t trap_signal;   // signal number, 0 for a trap raised by a call
    uint32_t is_metered;    // not 0: r14 holds the fuel while wasm runs
    uint32_t attention;     // apus_attention bits: what calls have to do besides; read and
                            // written as one, since other threads set one of them
    const uint32_t *requests;  // not 0: the thread that is inside is to leave wasm; polled, where
                               // signals are not to be used
    uintptr_t trap_pc;      // where it happened
    uintptr_t trap_fp;      // rbp there
    uintptr_t trap_address; // faulting data address
    void *store;            // unretained runtime Store
    int64_t fuel;           // what is left, while wasm is not running; negative: overdrawn
    uintptr_t *trace;       // where the program counters of a trap's frames go, innermost first
    uintptr_t *trace_contexts; // of each the word in which the frame keeps its context, if it
                            // does (apus_trace_contexts); null: nobody asks for them
    uint32_t trace_capacity;
    uint32_t trace_count;   // how many the last trap left there
    const struct apus_type *types; // the engine's, by slot
    uintptr_t heap_next;    // where the next object goes
    uintptr_t heap_limit;   // where the room for it ends, all zeros up to here
    uintptr_t heap_marks;   // added to an object's address / 16: the address of its mark
    const void *allocate;   // stub that makes an object in another place
    uintptr_t catch_pc;     // where the exception that is being thrown lands; 0: there is none, or
                            // nothing that the store is in now handles it
    uintptr_t catch_fp;     // rbp there
    uintptr_t catch_saved[4]; // where on the stack the registers are that calls keep, as they were
                            // when the call was made that the exception leaves; 0: nobody has
                            // changed that one
    struct apus_exception *exception;  // the one that lands
    struct apus_guest_stack *guest_stack;  // what its guests run on, if that is none of a thread's
                                           // and nothing of the host's lies between
    uint32_t must_wait;     // the runtime function that runs has to be called again, when what it
                            // waits for has come (apus_guest_stack.h)
    uint32_t waiting_call;  // apus_waiting_call of that
    uint32_t stack_calls;   // calls on stacks of their own that have not ended; other threads read
                            // it
    uintptr_t frame;        // image of a frame with which other code goes on: where rbp would be
    void (*trapped)(struct apus_store_context *);  // is told of each trap and exception before any
                                                   // frame is left; null: nobody is
    // Calls of tasks (apus_watch.h).
    uint32_t watch;         // apus_watch
    uint32_t is_watched;    // the watchdog is going to look
    void *watched_task;     // of the call that runs
    struct apus_thread *watched_thread;
    uintptr_t *idle_stack;  // place of a stack that nobody uses (apus_guest_stack.h)
    int64_t guest_place;    // among the runtime's CodeGuests, whose lock it has
    uintptr_t trap_context; // r15 where the last trap has left wasm
    uintptr_t tail_return;  // the stub that tail calls into other instances return to
    struct apus_outer_activation *outer;  // the activations around the one that runs, innermost
                                          // first
};

/// Has compiled code, which may be running, find `stops` at `place`.
static inline void apus_stops_set(uintptr_t *place, const uint8_t *stops) {
    __atomic_store_n(place, (uintptr_t)stops, __ATOMIC_RELEASE);
}

/// Changes what compiled code, which may be running, reads of a stop.
static inline void apus_stop_write(uint8_t *stop, uint8_t bits) {
    __atomic_store_n(stop, bits, __ATOMIC_RELAXED);
}

static inline uint8_t apus_stop_read(const uint8_t *stop) {
    return __atomic_load_n(stop, __ATOMIC_RELAXED);
}

/// The head of every instance's context; r15 points here while its code runs. What follows it in
/// memory (imports, memories, tables, globals, signatures, funcrefs) is laid out per module by
/// ApusABI's ContextLayout.
struct apus_context {
    uintptr_t stack_limit;                    // prologues compare rsp with it: the store's, and
                                              // above it what calls of the module take
    uint8_t *memory_base;                     // base of memory 0, imported or own
    struct apus_store_context *store_context;
    const void *const *runtime_functions;     // table indexed by ApusABI RuntimeFunction
    const void *runtime_call;                 // stub through which compiled code calls them
    const void *trap_exit;                    // stub that leaves wasm with the pending trap
    void *owner;                              // unretained InstanceState or HostFunction
    const void *tail_return;                  // stub that tail calls into other instances return to
};

/// The context of a function of the host: what its trampoline calls. A closure is called as Swift
/// does it (docs/abi.md).
struct apus_host_context {
    struct apus_context head;      // `owner` is the HostFunction
    const void *closure_code;
    const void *closure_state;
    const void *closure_failed;    // void (apus_host_context *, error that the closure has thrown)
    const void *attended;          // void (apus_host_context *, uint64_t *values): the long way
    const void *direct_code;       // of an asynchronous function: what takes the place of
    const void *direct_attended;   // `closure_code` and `attended` where nobody can wait
    struct apus_funcref record;    // the function as a value
};

#endif
