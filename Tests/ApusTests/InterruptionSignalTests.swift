import Apus
import Dispatch
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Hosts that want the signal themselves, and processes that fork. Each in a process of its own,
/// which an alarm ends if a guest does not stop.
struct InterruptionSignalTests {
    private static let text = """
        (module (import "host" "f" (func $f))
          (func (export "forever") (loop $l (br $l)))
          (func (export "loop") (loop $l (call $f) (br $l)))
          (func (export "run") (call $f)))
        """

    private static func instance(
        in store: Store, _ host: @escaping @Sendable () throws -> Void = {}
    ) throws -> Instance {
        var linker = Linker(store.engine)
        linker.define("host", "f", host)
        return try linker.instantiate(Module(store.engine, text: text), in: store)
    }

    /// Whether a guest that never ends, or calls the host for ever, is stopped in time.
    private static func isStopped(_ instance: Instance, _ name: String = "forever") -> Bool {
        let start = ContinuousClock.now
        let end = trap {
            try instance.store.withDeadline(.milliseconds(20)) {
                try instance.function(name, as: (() -> Void).self)()
            }
        }
        return end?.code == .interrupted && start.duration(to: .now) < .seconds(5)
    }

    /// What a host may do to the signal.
    private enum Deed: CaseIterable {
        case nothing, ignores, replaces, blocks, blocksAll, dispatches

        func `do`() {
            switch self {
            case .nothing: break
            case .ignores: signal(SIGURG, SIG_IGN)
            case .replaces: signal(SIGURG) { _ in }
            case .blocks, .blocksAll:
                var set = sigset_t()
                if self == .blocks {
                    unsafe sigemptyset(&set)
                    unsafe sigaddset(&set, SIGURG)
                } else {
                    unsafe sigfillset(&set)
                }
                unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
            case .dispatches:
                let source = DispatchSource.makeSignalSource(signal: SIGURG)
                source.setEventHandler {}
                source.resume()
                _ = unsafe Unmanaged.passRetained(source as AnyObject)
                usleep(50_000)
            }
        }
    }

    @Test func hostsMayTakeTheSignalBefore() async {
        await #expect(processExitsWith: .success) {
            for deed in Deed.allCases {
                alarm(20)
                deed.do()
                let guest = try Self.instance(in: Store(Engine()))
                #expect(Self.isStopped(guest), "\(deed)")
                #expect(Self.isStopped(guest, "loop"), "\(deed)")
            }
        }
    }

    @Test func hostsMayTakeTheSignalLater() async {
        await #expect(processExitsWith: .success) {
            let guest = try Self.instance(in: Store(Engine()))
            for deed in Deed.allCases {
                alarm(20)
                #expect(Self.isStopped(guest))
                deed.do()
                // At once, before anybody has had a reason to look.
                #expect(Self.isStopped(guest), "\(deed)")
                #expect(Self.isStopped(guest), "\(deed)")
            }
        }
    }

    @Test func hostFunctionsMayTakeTheSignal() async {
        await #expect(processExitsWith: .success) {
            for deed in Deed.allCases where deed != .blocksAll {
                alarm(20)
                let guest = try Self.instance(in: Store(Engine())) { deed.do() }
                #expect(Self.isStopped(guest, "loop"), "\(deed)")
            }
        }
    }

    /// The thread has the mask that the host gave it.
    @Test func masksAreGivenBack() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            Deed.blocks.do()
            let guest = try Self.instance(in: Store(Engine()))
            #expect(Self.isStopped(guest))
            var set = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
            #expect(unsafe sigismember(&set, SIGURG) == 1)
        }
    }

    /// A wait that the system can begin again does not end for a guest's sake.
    @Test func hostFunctionsDoNotSeeTheSignal() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            var ends: [Int32] = [0, 0]
            unsafe pipe(&ends)
            let descriptors = ends
            let guest = try Self.instance(in: Store(Engine())) {
                var byte: UInt8 = 0
                if unsafe read(descriptors[0], &byte, 1) != 1 { _exit(3) }
            }
            let writer = startThread(stackBytes: 1 << 20) {
                usleep(200_000)
                var byte: UInt8 = 1
                _ = unsafe write(descriptors[1], &byte, 1)
            }
            let end = trap {
                try guest.store.withDeadline(.milliseconds(20)) {
                    try guest.function("run", as: (() -> Void).self)()
                }
            }
            join(writer)
            #expect(end?.code == .interrupted)
        }
    }

    @Test func hostFunctionsMayWantTheirWaitsToEnd() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            var ends: [Int32] = [0, 0]
            unsafe pipe(&ends)
            let descriptor = ends[0]
            let engine = Engine()
            let store = Store(engine)
            let function = try Function(store, FunctionType()) { caller, _ in
                var byte: UInt8 = 0
                let count = caller.store.withInterruptibleWaits {
                    unsafe read(descriptor, &byte, 1)
                }
                if count != -1 || errno != EINTR { _exit(3) }
                return []
            }
            var linker = Linker(engine)
            linker.define("host", "f", function)
            let guest = try linker.instantiate(Module(engine, text: Self.text), in: store)
            #expect(Self.isStopped(guest, "loop"))
        }
    }

    // MARK: Forks

    #if os(Linux)
        /// Whether `work` is true in a child of this process.
        private static func isTrueInAChild(_ work: () -> Bool) -> Bool {
            // Swift hides `fork` itself, since children must not do much; these do not.
            guard let symbol = unsafe dlsym(nil, "fork") else { return false }
            let fork = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
            let child = fork()
            if child == 0 {
                // The thread that has forked may let none in.
                var set = sigset_t()
                unsafe sigemptyset(&set)
                unsafe sigaddset(&set, SIGALRM)
                unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
                alarm(60)
                _exit(work() ? 0 : 1)
            }
            var status: Int32 = -1
            return unsafe waitpid(child, &status, 0) == child && status == 0
        }

        @Test func childrenHaveDeadlines() async {
            await #expect(processExitsWith: .success) {
                alarm(240)
                let engine = Engine()
                let guest = try Self.instance(in: Store(engine))
                #expect(Self.isTrueInAChild { Self.isStopped(guest) })
                #expect(Self.isStopped(guest))
                for _ in 0..<10 {
                    #expect(
                        Self.isTrueInAChild {
                            let own = try? Self.instance(in: Store(engine))
                            return Self.isStopped(guest)
                                && own.map { Self.isStopped($0) } == true
                                && Self.isTrueInAChild { Self.isStopped(guest) }
                        })
                    #expect(Self.isStopped(guest))
                }
            }
        }

        /// A call that goes on in the child keeps its deadline there.
        @Test func guestsThatForkAreStoppedInTheChild() async {
            await #expect(processExitsWith: .success) {
                alarm(60)
                for _ in 0..<10 {
                    let counter = Counter()
                    let parent = getpid()
                    let guest = try Self.instance(in: Store(Engine())) {
                        if counter.total > 0 { return }
                        counter.add()
                        guard let symbol = unsafe dlsym(nil, "fork") else { return }
                        let fork = unsafe unsafeBitCast(
                            symbol, to: (@convention(c) () -> pid_t).self)
                        if fork() == 0 { alarm(20) }
                    }
                    let isStopped = Self.isStopped(guest, "loop")
                    if getpid() != parent { _exit(isStopped ? 0 : 1) }
                    // On a busy machine the time may be over before the guest calls.
                    if counter.total == 0 { continue }
                    var status: Int32 = -1
                    unsafe wait(&status)
                    #expect(isStopped && status == 0)
                }
            }
        }
    #endif
}
