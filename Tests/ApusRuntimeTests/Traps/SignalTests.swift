import ApusABI
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Each in a process of its own: what is tested is how it ends.
@Suite struct SignalTests {
    @Test func faultOfTheHostTakesItsDefaultCourse() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            signal(SIGSEGV, SIG_DFL)
            _ = try makeEnvironment()
            unsafe UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        }
    }

    @Test func faultInAHostFunctionIsNoTrap() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            signal(SIGSEGV, SIG_DFL)
            let store = try RuntimeStore(makeEnvironment())
            let host = try store.makeHostFunction(sixToOne) { _ in
                unsafe UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
            }
            try store.call(host, [])
        }
    }

    @Test func faultAtAnUnlistedPlaceIsNoTrap() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            signal(SIGSEGV, SIG_DFL)
            try RuntimeStore(makeEnvironment()).instance([.wild]).call("f0")
        }
    }

    @Test func listedFaultOutsideOfEveryMemoryEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            signal(SIGILL, SIG_DFL)
            var stray = TestFunction.wild
            stray.sites = [(6, .memoryOutOfBounds)]
            _ = trap { try RuntimeStore(makeEnvironment()).instance([stray]).call("f0") }
        }
    }

    @Test func earlierHandlersAreCalled() async {
        await #expect(processExitsWith: .exitCode(42)) {
            signal(SIGSEGV) { _ in _exit(42) }
            let guest = try RuntimeStore(makeEnvironment()).instance([.unreachable])
            _ = trap { try guest.call("f0") }
            unsafe UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        }
    }

    @Test func earlierHandlersGetTheAddress() async {
        await #expect(processExitsWith: .exitCode(43)) {
            var action = sigaction()
            action.sa_flags = Int32(bitPattern: UInt32(SA_SIGINFO))
            #if canImport(Glibc)
                unsafe action.__sigaction_handler.sa_sigaction = { _, information, _ in
                    let address = unsafe information?.pointee._sifields._sigfault.si_addr
                    _exit(UInt(bitPattern: address) == 24 ? 43 : 1)
                }
            #endif
            unsafe sigaction(SIGSEGV, &action, nil)
            _ = try makeEnvironment()
            unsafe UnsafeMutablePointer<Int>(bitPattern: 24)?.pointee = 1
        }
    }

    @Test func ignoredSignalsThatAreSentStayIgnored() async {
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGFPE, SIG_IGN)
            _ = try makeEnvironment()
            raise(SIGFPE)
            _exit(7)
        }
    }

    @Test func sentSignalsTakeTheirDefaultCourse() async {
        await #expect(processExitsWith: .signal(SIGFPE)) {
            signal(SIGFPE, SIG_DFL)
            _ = try makeEnvironment()
            raise(SIGFPE)
            _exit(7)
        }
    }
}
