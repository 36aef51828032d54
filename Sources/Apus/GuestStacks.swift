internal import ApusCollections
internal import ApusRuntime

extension Engine {
    /// The stacks that guests of asynchronous calls run on.
    ///
    /// They are kept for the next calls. What is reserved is address space; memory is taken from
    /// the system when it is touched.
    public struct GuestStacks: Hashable, Sendable {
        /// How many there may be at once: 16 384. The call that needs one more throws a
        /// `ResourceError`.
        public var limit: Int
        /// How many of them one store may have at once; nil: a 64th of `limit`, so 256, but no
        /// fewer than 16 if there are so many. A guest that waits has one, and one more for each
        /// call that the function which it waits for makes into its store, and so on: one store
        /// is not to have all. The call that needs one more throws a `ResourceError`.
        public var limitPerStore: Int?
        /// Bytes of each one: 2 MiB. Guests have as much of it as is not `hostBytes`, or as their
        /// store's limits allow, if that is less.
        public var bytes: Int
        /// Bytes of each one that are kept free for the functions of the host that guests call:
        /// 1 MiB. Asynchronous functions run on the thread's own stack.
        public var hostBytes: Int
        /// How many that nobody uses are kept: 256.
        public var idle: Int

        /// The defaults, except for what is given.
        public init(
            limit: Int = 16_384, bytes: Int = 2 << 20, hostBytes: Int = 1 << 20,
            idle: Int = 256, limitPerStore: Int? = nil
        ) {
            self.limit = limit
            self.limitPerStore = limitPerStore
            self.bytes = bytes
            self.hostBytes = hostBytes
            self.idle = idle
        }

        /// What the runtime is told of them.
        var ofRuntime: GuestStackConfiguration {
            var stacks = GuestStackConfiguration()
            stacks.limit = limit
            stacks.limitPerStore = limitPerStore
            stacks.bytes = UInt64(max(bytes, 0))
            stacks.hostBytes = UInt64(max(hostBytes, 0))
            stacks.idle = idle
            return stacks
        }
    }
}
