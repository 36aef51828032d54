import Foundation
import Synchronization
import Testing

@testable import Apus

#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Child processes of hosts whose threads run guests.
    @Suite struct ForkTests {
        /// How many functions a thread has called.
        private final class Progress: Sendable { let calls = Atomic(0) }

        /// A module with functions that take a while to compile.
        private static func module(functions: Int) throws -> Module {
            let step = "(local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 3)) (local.get 0)))"
            let work = String(repeating: step, count: 40)
            let functions = (0..<functions).map { number in
                "(func (export \"\(number)\") (param i32) (result i32) \(work) (local.get 0))"
            }
            var configuration = Engine.Configuration()
            configuration.compiler = .tiered
            return try Module(
                Engine(configuration), text: "(module \(functions.joined(separator: "\n")))")
        }

        /// A child calls a function for the first time, whatever its parent's threads compiled.
        @Test func childrenFindTheCompilerFree() async {
            await #expect(processExitsWith: .success) {
                alarm(240)
                // Swift hides `fork` itself, since children must not do much; these do not.
                guard let symbol = unsafe dlsym(nil, "fork") else { _exit(3) }
                let fork = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
                let count = 1500
                let module = try ForkTests.module(functions: count + 1)
                let instance = try Instance(Store(module.engine), module)
                let last = try instance.function("\(count)")
                // What Swift makes at first use, it makes with locks of its own, which
                // a child may find taken for good.
                _ = try instance.function("0").call([.i32(1)])
                let progress = Progress()
                Thread.detachNewThread {
                    nonisolated(unsafe) let own = try? Instance(Store(module.engine), module)
                    for number in 0..<count {
                        guard let function = try? unsafe own?.function("\(number)"),
                            (try? function.call([.i32(1)])) != nil
                        else { _exit(4) }
                        progress.calls.wrappingAdd(1, ordering: .relaxed)
                    }
                }
                var children = 0
                while progress.calls.load(ordering: .relaxed) < count {
                    let child = fork()
                    if child == 0 {
                        // The thread that has forked lets none in.
                        var none = sigset_t()
                        unsafe sigemptyset(&none)
                        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
                        alarm(20)
                        let result = try? last.call([.i32(1)])
                        _exit(result == nil ? 1 : 0)
                    }
                    children += 1
                    var status: Int32 = -1
                    let ended = unsafe waitpid(child, &status, 0)
                    #expect(ended == child && status == 0, "child \(children)")
                    if status != 0 { return }
                }
                #expect(children > 0)
            }
        }
    }
#endif
