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

@Suite struct ThreadStackTests {
    /// Runs `body` on a new thread with a stack of `stackBytes`.
    private func onThread(_ stackBytes: Int, _ body: @escaping () -> Void) {
        final class Work {
            let body: () -> Void
            init(_ body: @escaping () -> Void) { self.body = body }
        }
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        unsafe pthread_create(
            &thread, &attributes,
            { argument in
                let opaque: UnsafeMutableRawPointer? = unsafe argument
                unsafe Unmanaged<Work>.fromOpaque(opaque!).takeRetainedValue().body()
                return nil
            }, work)
        #if canImport(Darwin)
            unsafe pthread_join(thread!, nil)
        #else
            pthread_join(thread, nil)
        #endif
    }

    @Test(arguments: [128, 256, 512, 8192])
    func recursionEndsInATrap(_ stackKibibytes: Int) throws {
        let environment = try makeEnvironment()
        var guestCode: TrapCode?
        var hostCode: TrapCode?
        onThread(stackKibibytes << 10) {
            guard let store = try? RuntimeStore(environment),
                let guest = try? store.instance([.recurse])
            else { return }
            guestCode = trap { try guest.call("f0") }
            var again: FunctionReference?
            let host = try? store.makeHostFunction(sixToOne) { frame in
                try frame.store.call(again!, [])
            }
            again = host
            hostCode = trap { try store.call(host!, []) }
        }
        #expect(guestCode == .stackExhausted)
        #expect(hostCode == .stackExhausted)
    }

    @Test func storeMovesBetweenThreads() throws {
        let store = try RuntimeStore(makeEnvironment())
        let guest = try store.instance([.recurse, .divide])
        var codes: [TrapCode?] = []
        for stackKibibytes in [256, 8192, 192, 1024] {
            onThread(stackKibibytes << 10) {
                codes.append(trap { try guest.call("f0") })
                codes.append(trap { _ = try guest.call("f1", 6, 3) })
            }
            codes.append(trap { try guest.call("f0") })
        }
        #expect(codes.count == 12)
        for (index, code) in codes.enumerated() {
            #expect(code == (index % 3 == 1 ? nil : .stackExhausted))
        }
    }

    @Test func threadsGiveTheirSignalStacksBack() async {
        await #expect(processExitsWith: .success) {
            let tests = ThreadStackTests()
            let environment = try makeEnvironment()
            let before = apus_live_allocations()
            for _ in 0..<20 {
                tests.onThread(512 << 10) {
                    guard let store = try? RuntimeStore(environment),
                        let guest = try? store.instance([.unreachable])
                    else { return }
                    _ = trap { try guest.call("f0") }
                }
            }
            #expect(apus_live_allocations() == before)
        }
    }
}
