import ApusABI
import Foundation
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Requests and deadlines that come at a certain step of a call. What goes on for ever when it is
/// wrong runs in a process of its own, which an alarm ends.
@Suite struct InterrupterTests {
    private static let endless = TestFunction(code: MachineCode.bytes("ebfe"))

    /// How `work` ends: a trap, or nil if it returns.
    private static func end(_ work: () throws -> Void) -> WasmTrap? {
        do {
            try work()
            return nil
        } catch {
            return error as? WasmTrap
        }
    }

    /// Does `work` once, at the next `step`.
    private static func once(
        at step: InterruptionStep, in store: RuntimeStore, _ work: @escaping () -> Void
    ) {
        var isDone = false
        store.atInterruptionStep = { present in
            if present != step || isDone { return }
            isDone = true
            work()
        }
    }

    @Test func requestWhileACallBeginsStopsIt() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            let store = try RuntimeStore(makeEnvironment())
            let guest = try store.instance([Self.endless])
            let interrupter = store.interrupter
            for step in [InterruptionStep.beginning, .begun] {
                for _ in 0..<20 {
                    Self.once(at: step, in: store) { interrupter.interrupt() }
                    let trap = Self.end { try guest.call("f0") }
                    #expect(trap?.code == .interrupted)
                    #expect(trap?.interruption == .request)
                }
            }
        }
    }

    #if os(Linux)
        /// A child does not find the interrupter's lock taken by a thread that was its parent's.
        @Test(arguments: 0..<2)
        func childrenFindTheLockFree(deed: Int) async {
            await #expect(processExitsWith: .success) { [deed] in
                alarm(120)
                let interrupter = try RuntimeStore(makeEnvironment()).interrupter
                // Swift hides `fork` itself, since children must not do much; these do not.
                guard let symbol = unsafe dlsym(nil, "fork") else { _exit(3) }
                let fork = unsafe unsafeBitCast(
                    symbol, to: (@convention(c) () -> pid_t).self)
                // It ends with the process.
                Thread.detachNewThread {
                    while true {
                        if deed == 0 {
                            interrupter.takeBack()
                        } else {
                            interrupter.setSampling(nil)
                        }
                    }
                }
                for _ in 0..<200 {
                    let child = fork()
                    if child == 0 {
                        // The thread that has forked lets none in.
                        var none = sigset_t()
                        unsafe sigemptyset(&none)
                        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
                        alarm(20)
                        _ = interrupter.deadline
                        _exit(0)
                    }
                    var status: Int32 = -1
                    let ended = unsafe waitpid(child, &status, 0)
                    #expect(ended == child && status == 0)
                    if status != 0 { return }
                }
            }
        }
    #endif

    @Test func deadlineThatPassesWhileACallBeginsStopsIt() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            let store = try RuntimeStore(makeEnvironment())
            let guest = try store.instance([Self.endless])
            let interrupter = store.interrupter
            for step in [InterruptionStep.beginning, .begun] {
                for microseconds in 0..<20 {
                    interrupter.setDeadline(nil)
                    Self.once(at: step, in: store) {
                        let wait = Duration.microseconds(microseconds)
                        interrupter.setDeadline(Interrupter.now(plus: wait), after: wait)
                        // The watchdog looks before the call goes on.
                        if microseconds % 2 == 0 { usleep(300) }
                    }
                    let trap = Self.end { try guest.call("f0") }
                    #expect(trap?.code == .interrupted)
                    let wait = microseconds == 0 ? nil : Duration.microseconds(microseconds)
                    #expect(
                        trap?.interruption == .deadline(after: wait)
                            || trap?.interruption == .deadline(after: .microseconds(microseconds)))
                }
            }
        }
    }

    @Test func requestWhileACallEndsIsServed() throws {
        let store = try RuntimeStore(makeEnvironment())
        let guest = try store.instance([.divide])
        let interrupter = store.interrupter
        Self.once(at: .ending, in: store) { interrupter.interrupt() }
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
        #expect(!store.isInterrupted)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
    }

    /// What others have asked for outlives a scope; what its task wanted does not.
    @Test func scopesEndTheirOwnRequestsOnly() throws {
        let store = try RuntimeStore(makeEnvironment())
        let guest = try store.instance([.divide])
        let interrupter = store.interrupter
        interrupter.interrupt()
        interrupter.leaveScope(interrupter.enterScope())
        #expect(store.isInterrupted)
        #expect(Self.end { try guest.call("f0", 6, 3) }?.interruption == .request)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)

        let scope = interrupter.enterScope()
        interrupter.cancel(scope: scope)
        // All calls of the scope, not only the first one.
        for _ in 0..<2 {
            #expect(Self.end { try guest.call("f0", 6, 3) }?.interruption == .cancellation)
        }
        interrupter.leaveScope(scope)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
        interrupter.cancel(scope: scope)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
    }

    /// A scope within another leaves that as it was, whichever of them is cancelled.
    @Test func scopesWithinOthersEndAlone() throws {
        let store = try RuntimeStore(makeEnvironment())
        let guest = try store.instance([.divide])
        let interrupter = store.interrupter
        let outer = interrupter.enterScope()
        let inner = interrupter.enterScope()
        interrupter.cancel(scope: inner)
        #expect(Self.end { try guest.call("f0", 6, 3) }?.interruption == .cancellation)
        interrupter.leaveScope(inner)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
        interrupter.cancel(scope: outer)
        interrupter.leaveScope(interrupter.enterScope())
        #expect(Self.end { try guest.call("f0", 6, 3) }?.interruption == .cancellation)
        interrupter.leaveScope(outer)
        #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
    }

    /// A deadline that is set does not leave anything for the next.
    @Test func storesHaveOneAppointment() throws {
        let store = try RuntimeStore(makeEnvironment())
        let guest = try store.instance([.divide])
        let before = Watchdog.shared.count
        for _ in 0..<10_000 {
            store.interrupter.setDeadline(Interrupter.now(plus: .seconds(100)))
            #expect(Self.end { try guest.call("f0", 6, 3) } == nil)
            store.interrupter.setDeadline(nil)
        }
        // Stores of other tests come and go.
        #expect(Watchdog.shared.count < before + 100)
    }

    @Test func anEarlierDeadlineIsNotMissed() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            let store = try RuntimeStore(makeEnvironment())
            let guest = try store.instance([Self.endless])
            let interrupter = store.interrupter
            for _ in 0..<20 {
                interrupter.setDeadline(Interrupter.now(plus: .seconds(3600)))
                interrupter.setDeadline(Interrupter.now(plus: .milliseconds(2)))
                #expect(Self.end { try guest.call("f0") }?.code == .interrupted)
                // A later one than the entry that is left: the entry moves on.
                interrupter.setDeadline(Interrupter.now(plus: .milliseconds(1)))
                interrupter.setDeadline(Interrupter.now(plus: .milliseconds(4)))
                #expect(Self.end { try guest.call("f0") }?.code == .interrupted)
            }
        }
    }

    @Test func deadlinesThatAreMovedWhileAGuestRunsHoldAsMoved() throws {
        let store = try RuntimeStore(makeEnvironment())
        let interrupter = store.interrupter
        let host = try store.makeHostFunction(sixToOne) { frame in
            let store = frame.store
            store.interrupter.setDeadline(Interrupter.now(plus: .microseconds(1)))
            while !store.isInterrupted {}
            store.interrupter.setDeadline(nil)
            frame[0] = store.isInterrupted ? 1 : 0
        }
        #expect(try store.call(host, []) == 0)
        #expect(interrupter.deadline == nil)
    }
}
