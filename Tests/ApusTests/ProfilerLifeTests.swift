import ApusLocks
import Testing

@testable import Apus

/// What a profiler keeps, and when it asks for sources.
@Suite struct ProfilerLifeTests {
    private static let text = """
        (module
          (func $work (export "work") (param i32)
            (loop
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if 0 (local.get 0)))))
        """

    #if os(Linux)
        /// Stores that have gone leave their samples and nothing else.
        @Test func storesThatGoAreForgotten() throws {
            let engine = Engine()
            let module = try Module(engine, text: Self.text)
            let profiler = Profiler(period: .microseconds(100))
            profiler.start(engine)
            func sampleCount() -> Int { profiler.profile.sampleCount }
            let end = ContinuousClock.now + .seconds(10)
            while sampleCount() == 0, .now < end {
                let store = Store(engine)
                let work = try Instance(store, module)
                    .function("work", as: ((Int32) -> Void).self)
                try work(2_000_000)
                withExtendedLifetime(store) { #expect(profiler.storeCount == 1) }
            }
            #expect(profiler.storeCount == 0)
            let count = sampleCount()
            #expect(count > 0)
            profiler.stop(engine)
            profiler.stop()
            #expect(sampleCount() == count)
        }

        /// A store has one profiler at a time: who looks no more at it does not keep it, and does
        /// not end what another one does.
        @Test func storesHaveOneProfiler() throws {
            let store = Store(Engine())
            let (first, second) = (Profiler(), Profiler(period: .microseconds(100)))
            try first.start(store)
            try first.start(store)
            #expect(first.storeCount == 1)
            try second.start(store)
            #expect(first.storeCount == 0)
            #expect(second.storeCount == 1)
            first.stop()
            let work = try Instance(store, Module(store.engine, text: Self.text))
                .function("work", as: ((Int32) -> Void).self)
            let end = ContinuousClock.now + .seconds(10)
            while second.profile.sampleCount == 0, .now < end { try work(2_000_000) }
            #expect(second.profile.sampleCount > 0)
            second.stop()
        }

        /// Who made an instance is asked, and not the thread that looks at guests.
        @Test func sourcesAreReadBeforeGuestsRun() throws {
            var module = TestModule()
            module.function("f", Code.unreachable)
            module.customSections.append(("sourceMappingURL", Code.name("m")))
            let engine = Engine()
            let compiled = try Module(engine, bytes: module.bytes)
            let asked = SystemMutex(0)
            compiled.setSourceMap {
                asked.withLock { $0 += 1 }
                return nil
            }
            let store = Store(engine)
            let profiler = Profiler()
            try Instance(store, compiled)
            #expect(asked.withLock { $0 } == 0)
            try profiler.start(store)
            #expect(asked.withLock { $0 } == 1)
            profiler.stop()
        }
    #endif
}
