extension WASI {
    /// Families of functions that guests may import. A module that imports one that is not there
    /// is refused when it is linked, by the import's name, instead of failing when it runs.
    ///
    /// Having a function grants nothing by itself: `files` without preopens opens no file.
    public struct Capabilities: OptionSet, Sendable {
        public let rawValue: UInt32

        /// The capabilities whose bits are set; bits without a capability mean nothing.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// `args_get`, `args_sizes_get`.
        public static let arguments = Capabilities(rawValue: 1 << 0)
        /// `environ_get`, `environ_sizes_get`.
        public static let environment = Capabilities(rawValue: 1 << 1)
        /// `clock_time_get`, `clock_res_get`.
        public static let clocks = Capabilities(rawValue: 1 << 2)
        /// `random_get`.
        public static let random = Capabilities(rawValue: 1 << 3)
        /// `proc_exit`, `proc_raise`, `sched_yield`.
        public static let process = Capabilities(rawValue: 1 << 4)
        /// `poll_oneoff`, with which guests wait and sleep.
        public static let polling = Capabilities(rawValue: 1 << 5)
        /// What begins with `fd_`: standard streams and all that is open.
        public static let descriptors = Capabilities(rawValue: 1 << 6)
        /// What begins with `path_`: opening, making and removing files.
        public static let paths = Capabilities(rawValue: 1 << 7)
        /// What begins with `sock_`.
        public static let sockets = Capabilities(rawValue: 1 << 8)

        /// `wasi.thread-spawn`, with which programs make threads.
        public static let threads = Capabilities(rawValue: 1 << 9)

        /// Every function of preview 1, and threads.
        public static let all = Capabilities(rawValue: (1 << 10) - 1)
    }
}

extension Preview1Function {
    /// The capability that it belongs to.
    var capability: WASI.Capabilities {
        let name = "\(self.name)"
        return switch name.prefix(while: { $0 != "_" }) {
        case "args": .arguments
        case "environ": .environment
        case "clock": .clocks
        case "random": .random
        case "poll": .polling
        case "fd": .descriptors
        case "path": .paths
        case "sock": .sockets
        default: .process
        }
    }
}
