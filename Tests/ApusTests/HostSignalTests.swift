import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Hosts that have a handler of their own for faults. Each in a process of its own.
struct HostSignalTests {
    private static let text = """
        (module (import "host" "f" (func $f)) (memory 1)
          (func (export "fault") (drop (i32.load (i32.const 65536))))
          (func (export "stop") unreachable)
          (func (export "host") (call $f)))
        """

    /// Where host functions of these tests fault.
    private static let address: UInt = 24

    private static func faultOfTheHost() {
        unsafe UnsafeMutablePointer<Int>(bitPattern: address)?.pointee = 1
    }

    private static func instance() throws -> Instance {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "f") { () -> Void in faultOfTheHost() }
        return try linker.instantiate(Module(engine, text: text), in: Store(engine))
    }

    private static func call(_ instance: Instance, _ name: String) -> TrapCode? {
        trap { try instance.function(name, as: (() -> Void).self)() }?.code
    }

    #if canImport(Glibc)
        /// What handled faults before `passOn` did.
        nonisolated(unsafe) private static var earlier = sigaction()

        /// Takes the host's own faults and passes on all others, as crash reporters do.
        private static func installHandlerThatPassesOn() {
            var action = sigaction()
            action.sa_flags = Int32(bitPattern: UInt32(SA_SIGINFO | SA_ONSTACK))
            unsafe action.__sigaction_handler.sa_sigaction = { signal, information, context in
                let fault = unsafe information?.pointee._sifields._sigfault.si_addr
                if UInt(bitPattern: fault) == HostSignalTests.address { _exit(44) }
                unsafe HostSignalTests.earlier.__sigaction_handler
                    .sa_sigaction?(signal, information, context)
            }
            unsafe sigaction(SIGSEGV, &action, &earlier)
        }

        @Test func handlersInstalledLaterMayPassOnTraps() async {
            await #expect(processExitsWith: .exitCode(44)) {
                let instance = try HostSignalTests.instance()
                HostSignalTests.installHandlerThatPassesOn()
                for _ in 0..<100 {
                    guard HostSignalTests.call(instance, "fault") == .memoryOutOfBounds,
                        HostSignalTests.call(instance, "stop") == .unreachable
                    else { _exit(1) }
                }
                _ = HostSignalTests.call(instance, "host")
            }
        }
    #endif

    /// A handler that knows nothing of Apus gets the guest's fault: the process ends its way, and
    /// no guest goes on behind its bounds.
    @Test func handlersInstalledLaterThatDoNotPassOnHaveTheirWay() async {
        await #expect(processExitsWith: .exitCode(45)) {
            let instance = try HostSignalTests.instance()
            signal(SIGSEGV) { _ in _exit(45) }
            _ = HostSignalTests.call(instance, "fault")
        }
    }

    @Test func hostsThatEndInAFunctionOfTheirsEndTheirWay() async {
        await #expect(processExitsWith: .exitCode(5)) {
            let engine = Engine()
            var linker = Linker(engine)
            linker.define("host", "f") { () -> Void in exit(5) }
            let instance = try linker.instantiate(
                Module(engine, text: HostSignalTests.text), in: Store(engine))
            try instance.function("host", as: (() -> Void).self)()
        }
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            signal(SIGSEGV, SIG_DFL)
            _ = HostSignalTests.call(try HostSignalTests.instance(), "host")
        }
        await #expect(processExitsWith: .failure) {
            signal(SIGILL, SIG_DFL)
            let engine = Engine()
            var linker = Linker(engine)
            linker.define("host", "f") { () -> Void in fatalError("the host's own") }
            let instance = try linker.instantiate(
                Module(engine, text: HostSignalTests.text), in: Store(engine))
            _ = HostSignalTests.call(instance, "host")
        }
    }
}
