extension Engine {
    /// Tools that know native code only, and that an engine tells of the code that it makes. Each
    /// of them costs time and memory when code is made, and none when it runs.
    public struct NativeTools: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `perf`, which finds names of functions in `/tmp/perf-PID.map`.
        public static let perfMap = NativeTools(rawValue: 1)
        /// `perf inject --jit`, which also finds code and lines, in `jit-PID.dump` in the current
        /// directory.
        public static let jitDump = NativeTools(rawValue: 2)
        /// GDB and LLDB, by the interface they share: functions by name, lines, and if the module
        /// has DWARF sections and is compiled by the baseline compiler its variables. With it, that
        /// compiler's code keeps locals in memory, and nothing is taken from a cache.
        public static let debugger = NativeTools(rawValue: 4)
        /// Whoever unwinds the stack in this process, such as `backtrace()`.
        public static let unwinding = NativeTools(rawValue: 8)
    }
}
