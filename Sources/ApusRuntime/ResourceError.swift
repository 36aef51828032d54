/// The system, or a limit, refused something the runtime asked for.
public struct ResourceError: Error, Hashable, Sendable {
    /// What was asked for.
    public enum Resource: String, Hashable, Sendable {
        /// A linear memory, or room for it to grow.
        case memory = "linear memory"
        /// For memories whose bounds the processor checks.
        case addressSpace = "address space of linear memories"
        /// What a `MemorySupplier` was asked for, in bytes.
        case suppliedMemory = "supplied memory"
        /// A memory that its `MemorySupplier`, which is being asked for more, makes grow itself.
        case nestedGrowth = "memory that is growing"
        /// What the address of supplied memory has to be a multiple of.
        case suppliedAlignment = "alignment of supplied memory"
        /// A table, or room for it to grow.
        case table
        /// Memory for machine code.
        case code = "executable memory"
        /// Code in a file: where it would end, and where the file does.
        case codeFile = "code in a file"
        /// What an instance is made of beside memories and tables.
        case context = "instance"
        /// Numbers for types: how many different ones all modules of an engine have together.
        case signature = "types of the engine"
        /// A reference type names a function type that the engine does not have.
        case foreignType = "function type of the engine"
        /// References to values of the host's.
        case reference = "references"
        /// The stack of a thread on which signals are handled.
        case thread = "signal stack"
        /// The thread that ends calls at their deadlines, and those of cancelled tasks.
        case watchdog = "thread for deadlines"
        /// The handlers of signals.
        case signals = "signal handlers"
        /// What the calling thread has left, in bytes.
        case stack = "stack of the thread"
        /// How many stacks of their own guests have at once.
        case guestStacks = "stacks of guests"
        /// The same of one store.
        case storeStacks = "stacks of the store's guests"
        /// All memories of a store together.
        case storeMemory = "linear memory of the store"
        /// All tables of a store together.
        case storeTables = "table elements of the store"
        /// Of garbage-collected objects, in bytes.
        case heap = "heap of the store"
        /// `Limits.instances`.
        case instances = "instances of the store"
        /// How many linear memories a store has.
        case memoryCount = "linear memories of the store"
        /// How many tables a store has.
        case tableCount = "tables of the store"
        /// `Limits.moduleBytes`.
        case moduleBytes = "bytes of the module"
        /// `Limits.functions`.
        case functions = "functions of the module"
        /// `Limits.types`.
        case types = "types of the module"
        /// Bytes of machine code that a module becomes.
        case moduleCode = "machine code of the module"
        /// The first contents of a memory, kept for all instances.
        case image = "memory image"
        /// The address space of a pool.
        case pool = "instance pool"
        /// A free slot of a pool.
        case pooledInstances = "instances of the pool"
        /// The memories of a module that a slot has room for.
        case memories = "memories of a module"
        /// The tables of a module that a slot has room for.
        case tables = "tables of a module"
        /// What functions of the host take or give.
        case parameters = "parameters or results of a function"
        /// Of an engine whose configuration meters none.
        case fuel
        /// What contains Apus, which must stay in the process.
        case library = "shared library"
    }

    /// What there is too little of.
    public var resource: Resource
    /// How much was asked for: bytes; elements of a table; a number of things.
    public var requested: UInt64
    /// The limit that the request exceeds, in the same unit; nil if the system refused.
    public var limit: UInt64?
    /// The system's error number, 0 if it gave none.
    public var errorNumber: Int32
    /// Whether the store's `ResourceLimiter` was against it.
    public var isVetoed: Bool

    /// An error about `resource`.
    public init(
        _ resource: Resource, requested: UInt64, limit: UInt64? = nil, errorNumber: Int32 = 0,
        isVetoed: Bool = false
    ) {
        self.resource = resource
        self.requested = requested
        self.limit = limit
        self.errorNumber = errorNumber
        self.isVetoed = isVetoed
    }
}

extension ResourceError: CustomStringConvertible {
    public var description: String {
        if resource == .fuel { return "fuel: the engine's configuration does not meter any" }
        if resource == .foreignType { return "function type \(requested) is none of this engine's" }
        if resource == .nestedGrowth {
            return "a supplier that is asked for more memory makes the same memory grow"
        }
        if resource == .suppliedAlignment {
            return "supplied memory does not start at a multiple of \(requested) bytes"
        }
        if resource == .suppliedMemory {
            if let limit { return "supplied memory has \(limit) bytes instead of \(requested)" }
            if errorNumber == 0 { return "the host has not supplied \(requested) bytes of memory" }
        }
        if resource == .stack, let limit {
            return
                "the thread's stack is too small: \(limit) bytes are left of it, guests and host "
                + "functions need \(requested)"
        }
        if let limit {
            return "\(resource.rawValue): \(requested) exceeds the limit of \(limit)"
        }
        if isVetoed { return "\(resource.rawValue): \(requested) is not allowed by the limiter" }
        let reason = errorNumber == 0 ? "out of memory" : "error \(errorNumber)"
        let hint =
            resource == .addressSpace
            ? "; engines whose configuration says `alwaysChecksBounds` need less of it" : ""
        return "\(resource.rawValue): the system refused \(requested) (\(reason))\(hint)"
    }
}
