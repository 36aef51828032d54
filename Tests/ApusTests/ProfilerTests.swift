import Apus
import Foundation
import Synchronization
import Testing

/// Where guests spend their time.
@Suite struct ProfilerTests {
    /// `outer` calls `inner`, which counts down, and `through` calls it by way of the host.
    private static let text = """
        (module
          (import "host" "nap" (func $nap))
          (import "host" "back" (func $back (param i32)))
          (func $inner (export "inner") (param i32)
            (loop
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if 0 (local.get 0))))
          (func $outer (export "outer") (param i32)
            (call $inner (local.get 0)) (call $inner (local.get 0)))
          (func $through (export "through") (param i32) (call $back (local.get 0)) (nop))
          (func $sleeper (export "sleeper") (call $nap) (nop)))
        """

    private func instance(
        _ engine: Engine, _ prepare: (Store) throws -> Void = { _ in }
    ) throws -> Instance {
        var linker = Linker(engine)
        linker.define("host", "nap") { () -> Void in usleep(20_000) }
        let module = try Module(engine, text: Self.text)
        let store = Store(engine)
        try prepare(store)
        let back = try Function(store, FunctionType([.i32], [])) { caller, values in
            let instance = try #require(caller.instance)
            _ = try instance.function("inner").call(values)
            return []
        }
        linker.define("host", "back", back)
        return try linker.instantiate(module, in: store)
    }

    /// The names of the stacks in `profile`, outermost first, and how often they were found.
    private func stacks(_ profile: Profile) -> [String: Int] {
        var stacks: [String: Int] = [:]
        for line in profile.foldedStacks.split(separator: "\n") {
            let space = line.lastIndex(of: " ") ?? line.endIndex
            stacks[String(line[..<space]), default: 0] += Int(line[space...].dropFirst()) ?? 0
        }
        return stacks
    }

    /// Calls `work` until `isEnough` of what `profiler` has seen, for ten seconds at most.
    private func profile(
        _ profiler: Profiler, until isEnough: (Profile) -> Bool, _ work: () throws -> Void
    ) rethrows -> Profile {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            try work()
            let profile = profiler.profile
            if isEnough(profile) || .now > end { return profile }
        }
    }

    @Test(arguments: Engine.Compiler.allCases)
    func guestsThatCompute(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let profiler = Profiler()
        let instance = try instance(Engine(configuration)) { try profiler.start($0) }
        let outer = try instance.function("outer", as: ((Int32) -> Void).self)
        let profile = try profile(profiler, until: { stacks($0)["outer;inner", default: 0] > 5 }) {
            try outer(5_000_000)
        }
        #expect(stacks(profile)["outer;inner", default: 0] > 5)
        let kinds = Set(profile.frames.filter { $0.name == "inner" }.map(\.kind))
        switch compiler {
        case .baseline: #expect(kinds == [.baseline])
        case .optimizing: #expect(kinds == [.optimized])
        case .tiered: #expect(kinds.isSubset(of: [.baseline, .optimized]) && !kinds.isEmpty)
        }
        // Each sample has it once, in whichever code.
        let ofOuter = zip(profile.frames, profile.totals).filter { $0.0.name == "outer" }
        #expect(ofOuter.map(\.1).reduce(0, +) == profile.sampleCount)
        profiler.stop()
        let count = profiler.profile.sampleCount
        try outer(20_000_000)
        #expect(profiler.profile.sampleCount == count)
    }

    /// Functions of a text are told with its name.
    @Test func guestsInTextForm() throws {
        let profiler = Profiler()
        let engine = Engine()
        let text = """
            (module (func $inner (export "inner") (param i32)
              (loop
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if 0 (local.get 0)))))
            """
        let module = try Module(engine, text: text, named: "own.wat")
        let store = Store(engine)
        try profiler.start(store)
        let instance = try Linker(engine).instantiate(module, in: store)
        let inner = try instance.function("inner", as: ((Int32) -> Void).self)
        let profile = try profile(profiler, until: { stacks($0)["inner", default: 0] > 5 }) {
            try inner(5_000_000)
        }
        #expect(profile.frames.first { $0.name == "inner" }?.file == "own.wat")
        #expect(profile.speedscope.contains("\"file\":\"own.wat\""))
    }

    @Test func guestsThatWait() throws {
        let profiler = Profiler()
        let instance = try instance(Engine()) { try profiler.start($0) }
        let sleeper = try instance.function("sleeper", as: (() -> Void).self)
        let profile = try profile(
            profiler, until: { stacks($0)["sleeper;host.nap", default: 0] > 5 }
        ) { try sleeper() }
        #expect(stacks(profile)["sleeper;host.nap", default: 0] > 5)
        #expect(profile.frames.first { $0.name == "host.nap" }?.kind == .host)
    }

    /// A guest that is called by the host, which was called by a guest.
    @Test func guestsInGuests() throws {
        let profiler = Profiler()
        let instance = try instance(Engine()) { try profiler.start($0) }
        let through = try instance.function("through", as: ((Int32) -> Void).self)
        let profile = try profile(
            profiler, until: { stacks($0)["through;host.back;inner", default: 0] > 5 }
        ) { try through(5_000_000) }
        #expect(stacks(profile)["through;host.back;inner", default: 0] > 5)
    }

    @Test func storesOfAnEngine() throws {
        let engine = Engine()
        let profiler = Profiler()
        profiler.start(engine)
        let first = try instance(engine).function("outer", as: ((Int32) -> Void).self)
        let second = try instance(engine).function("inner", as: ((Int32) -> Void).self)
        profiler.stop(engine)
        let third = try instance(engine).function("through", as: ((Int32) -> Void).self)
        let profile = try profile(
            profiler,
            until: { profile in
                let found = stacks(profile)
                return found["inner"] != nil && found["outer;inner"] != nil
            }
        ) {
            try first(2_000_000)
            try second(2_000_000)
            try third(2_000_000)
        }
        let found = stacks(profile)
        #expect(found["inner"] != nil && found["outer;inner"] != nil)
        #expect(!found.keys.contains { $0.contains("through") })
        profiler.stop()
    }

    @Test func inlinedFunctions() throws {
        let profiler = Profiler(period: .microseconds(200))
        let module = try Module(
            Engine(), bytes: SourceLocationTests.fixture("inlined-5"))
        let store = Store(module.engine)
        try profiler.start(store)
        let instance = try Linker(module.engine).instantiate(module, in: store)
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        let profile = try profile(
            profiler, until: { $0.frames.contains { $0.kind == .inlined } }
        ) { _ = try run(0, 16_000) }
        let element = profile.frames.first { $0.kind == .inlined }
        #expect(element?.file == "/src/inlined.c")
    }

    @Test func enginesWithoutSignals() throws {
        var configuration = Engine.Configuration()
        configuration.interruption = .polling
        #expect(throws: Profiler.Failure.noSignals) {
            try Profiler().start(Store(Engine(configuration)))
        }
    }

    @Test func periodsOfAnyLength() throws {
        for seconds in [Int64.max, .min, 1 << 34] {
            let profiler = Profiler(period: .seconds(seconds))
            let instance = try instance(Engine()) { try profiler.start($0) }
            for _ in 0..<2 { try instance.function("inner", as: ((Int32) -> Void).self)(1000) }
            profiler.stop()
            if seconds > 0 { #expect(profiler.profile.sampleCount == 0) }
        }
    }

    /// A store may go while it is looked at, and a profiler before a store.
    @Test func livesOfStoresAndProfilers() throws {
        let kept = Profiler(period: .microseconds(50))
        for round in 0..<20 {
            let profiler = Profiler(period: .microseconds(50))
            let instance = try instance(Engine()) { store in
                try (round % 2 == 0 ? kept : profiler).start(store)
            }
            try instance.function("outer", as: ((Int32) -> Void).self)(100_000)
        }
        #expect(kept.profile.lostSamples == 0)
        kept.stop()
    }

    // MARK: What is made of it

    /// A profile whose names are what an attacker might choose.
    private static var hostile: Profile {
        var profile = Profile(period: .milliseconds(1))
        let name = "</script><script>alert('x')</script>;\"\\\u{2028}\n\u{1B}[2J\u{9B}"
        profile.frames = [
            Profile.Frame(name: name, kind: .baseline, file: "<b>.c"),
            Profile.Frame(name: "leaf", kind: .host),
        ]
        profile.nodes = [
            Profile.Node(frame: 0, parent: nil, samples: 2),
            Profile.Node(frame: 1, parent: 0, samples: 3),
        ]
        return profile
    }

    @Test func foldedStacks() {
        let lines = Self.hostile.foldedStacks.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.map { $0.count { $0 == ";" } } == [0, 1])
        #expect(lines.last?.hasSuffix(";leaf 3") == true)
        #expect(!Self.hostile.foldedStacks.contains { "\u{1B}\u{9B}\u{2028}".contains($0) })
    }

    @Test func speedscope() throws {
        let data = Data(Self.hostile.speedscope.utf8)
        let file = try #require(
            JSONSerialization.jsonObject(with: data) as? [String: Any])
        let shared = try #require(file["shared"] as? [String: Any])
        let frames = try #require(shared["frames"] as? [[String: Any]])
        #expect(frames.map { $0["name"] as? String } == Self.hostile.frames.map(\.name))
        let profile = try #require((file["profiles"] as? [[String: Any]])?.first)
        #expect(profile["samples"] as? [[Int]] == [[0], [0, 1]])
        #expect(profile["weights"] as? [Double] == [0.002, 0.003])
        #expect(profile["endValue"] as? Double == 0.005)
    }

    @Test func flameGraph() throws {
        let page = Self.hostile.flameGraph(title: "a <b> & \"c\"")
        #expect(page.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"))
        // One script, which nothing in it ends.
        #expect(page.components(separatedBy: "<script").count == 2)
        #expect(page.components(separatedBy: "</script").count == 2)
        let line = try #require(
            page.split(separator: "\n").first { $0.hasPrefix("const profile = ") })
        let frames = try #require(line.firstRange(of: "frames:"))
        let nodes = try #require(line.firstRange(of: ",nodes:"))
        let names = try JSONSerialization.jsonObject(
            with: Data(line[frames.upperBound..<nodes.lowerBound].utf8))
        #expect((names as? [[String]])?.map(\.first) == Self.hostile.frames.map(\.name))
    }

    @Test func oneSampleIsOne() {
        var profile = Profile(period: .milliseconds(1))
        profile.frames = [Profile.Frame(name: "f", kind: .host)]
        profile.nodes = [Profile.Node(frame: 0, parent: nil, samples: 1)]
        #expect(profile.flameGraph(title: "").contains("1 sample, about 0.001 s"))
        profile.nodes[0].samples = 2
        #expect(profile.flameGraph(title: "").contains("2 samples, about 0.002 s"))
    }
}
