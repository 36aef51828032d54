internal import ApusABI
internal import ApusBaseline
internal import ApusCollections
internal import ApusFormat
internal import ApusLocks
internal import ApusOptimizer
internal import ApusRuntime

/// Makes the code of a module's functions while they run: at their first call by the baseline
/// compiler, and by the optimizing compiler when they have become hot. A call that stays in a loop
/// goes on in code that begins at that loop.
final class ModuleTiers: FunctionCompiler {
    private let module: DecodedModule
    private let configuration: Engine.Configuration
    private let queue: TierQueue
    private let canOptimize: Bool
    private let isSmall: Bool
    /// What the baseline compiler's code may take. Code of the optimizing compiler may be as much,
    /// apart from it: then calls never fail for what was only to be faster.
    private let budget: CompilationBudget
    /// What makes first code, for one thread at a time: another one may be that of another store,
    /// which waits no longer than its guest may run.
    let baseline: SystemMutex<BaselineTier?>
    private let functions = SystemMutex<[Int: FunctionTier]>([:])
    private let start = ContinuousClock.now
    private let counts: SystemMutex<TierStatistics>

    /// How far a hot function has come.
    private struct FunctionTier {
        enum State { case queued, optimized, refused }
        enum Loop { case requested, refused, made(LoopEntry) }

        var state = State.queued
        /// Code that begins at a loop, by the loop's offset in the body.
        var loops: [Int: Loop] = [:]
        /// Some call has stayed in an inner loop while code for the outermost one was ready.
        var isHeldUp = false
        /// Loops that code cannot begin at; after some of them no other one is tried.
        var refusals = 0
        static var refusalLimit: Int { 8 }
    }

    init(_ module: DecodedModule, _ engine: Engine) {
        self.module = module
        configuration = engine.configuration
        queue = engine.tierQueue
        canOptimize =
            !configuration.countsCoverage
            && OptimizingCompiler.supports(configuration.processorFeatures.intersection(.host))
        isSmall = module.bytes.count <= Self.smallModuleBytes
        // Who waits for a function's first code is a guest's thread, and may be told to stop.
        budget = CompilationBudget(
            codeBytes: configuration.limits.codeBytes(moduleBytes: module.bytes.count),
            isThreadStopped: { RuntimeStore.isThreadInterrupted })
        baseline = SystemMutex(nil)
        var statistics = TierStatistics()
        statistics.functions = module.bodies.count
        counts = SystemMutex(statistics)
    }

    /// There is code of `functions` from an earlier run.
    func haveCode(_ functions: [Int]) {
        counts.withLock { $0.precompiledFunctions = functions.count }
    }

    /// How much has been compiled that no earlier run has left.
    var newCodeCount: Int {
        counts.withLock { $0.compiledFunctions + $0.optimizations.count { $0.succeeded } }
    }

    /// What has been compiled so far.
    var statistics: TierStatistics { counts.withLock { $0 } }

    // MARK: Heat

    /// Modules with no more code than this are hot sooner: all of them is soon compiled.
    private static var smallModuleBytes: Int { 150_000 }
    /// What a function of no bytes may run, and what each byte adds: bytes that run. Optimizing a
    /// byte takes as long as the baseline code of about 2000 saves when it is optimized; on another
    /// processor it costs a quarter of that.
    private static var heatPerFunction: Int { 1500 }
    private static var heatPerByte: Int { 560 }
    /// Until it is looked again whether other code is ready.
    private static var heatBetweenLooks: Int32 { 50_000 }

    func heat(ofBody body: FunctionBody) -> Int32 {
        if let seed = configuration.tiering.seed {
            return Int32(truncatingIfNeeded: (UInt64(body.start) &+ seed) &* 0x9E37_79B9 >> 16 & 7)
        }
        if let threshold = configuration.tiering.threshold {
            return Int32(clamping: max(threshold, 0))
        }
        guard canOptimize else { return .max }
        let bytes = Int(body.end) - Int(body.start)
        let heat = Self.heatPerFunction + Self.heatPerByte * bytes
        return Int32(clamping: min(isSmall ? heat / 3 : heat, 1 << 30))
    }

    private func body(of index: Int) -> FunctionBody {
        module.bodies[index - module.importedFunctionCount]
    }

    /// Functions are hot after so few rounds that nothing is known of them.
    private var isForTests: Bool {
        configuration.tiering.threshold != nil || configuration.tiering.seed != nil
    }

    // MARK: Profiles

    /// A call has a usual callee if that was so many of a hundred, and came so often.
    private static var leastShare: Int { 70 }
    private static var leastHits: UInt32 { 8 }
    /// Callers have bodies of no more bytes than this in them.
    private static var inliningBytes: Int { 160 }
    private static var inliningBytesInTests: Int { 600 }

    /// What is known of functions of `loaded` when somebody asks; nil if nobody is to.
    func profiles(of loaded: LoadedModule) -> ModuleProfile? {
        guard configuration.tiering.usesProfiles else { return nil }
        let leastHits = isForTests ? 1 : Self.leastHits
        let reference = loaded.reference
        return ModuleProfile(
            inliningBytes: { [weak self] index in
                guard let self, let loaded = reference.object else { return 0 }
                return self.inliningBytes(ofFunction: index, in: loaded)
            },
            calls: { index in
                guard let loaded = reference.object else { return [] }
                return loaded.countedCalls(
                    ofFunction: index, leastHits: leastHits, leastShare: Self.leastShare)
            })
    }

    /// How large function `index` of `loaded` may be to be worth having in its callers.
    private func inliningBytes(ofFunction index: Int, in loaded: LoadedModule) -> Int {
        let body = body(of: index)
        let heat = self.heat(ofBody: body)
        // What may not count itself is worth having wherever it is called.
        let bytes = Int(body.end) - Int(body.start)
        let isWorthIt = isForTests || bytes <= FunctionLinkage.uncountedBytes
        let isHot =
            functions.withLock { $0[index] != nil }
            || loaded.hasRun(index, untilHeat: isWorthIt ? .max : heat - heat / 4)
        if !isHot { return 0 }
        return isForTests ? Self.inliningBytesInTests : Self.inliningBytes
    }

    private var heatBetweenLooks: Int32 {
        configuration.tiering.threshold == nil ? Self.heatBetweenLooks : 0
    }

    // MARK: The first tier

    func compile(_ index: Int, of loaded: LoadedModule) throws {
        // Native tools want to know, and the embedder is asked, which is not done with a lock.
        if !configuration.nativeTools.isDisjoint(with: [.debugger, .jitDump]) {
            _ = loaded.sourceIndex
        }
        do {
            // A child process finds no lock taken of what makes code.
            try BackgroundWork.shared.briefPiece { try compileNow(index, loaded) }
        } catch is CompilationStoppedError {
            // There is no code, since the guest is to stop.
        }
    }

    private func compileNow(_ index: Int, _ loaded: LoadedModule) throws {
        // Without the lock there is no code, since the guest is to stop.
        _ = try baseline.withLock(while: { !budget.isStopped }) { baseline in
            // Another thread may have done it while this one waited.
            if loaded.image(ofFunction: index) != nil { return }
            let start = ContinuousClock.now
            var tier = baseline.take() ?? BaselineTier(environment, configuration.features, budget)
            let image = try tier.makeImage(index, of: loaded)
            baseline = consume tier
            loaded.direct(index, to: image)
            counts.withLock { counts in
                counts.compiledFunctions += 1
                counts.baselineBytes += image.codeBytes
                counts.baselineTime += start.duration(to: .now)
            }
        }
    }

    private var environment: ModuleEnvironment {
        let driver = CompilationDriver(
            module: module, configuration: configuration, budget: budget)
        var environment = driver.environment
        environment.linkage = .table(canOptimize ? configuration.tiering.heatCount : nil)
        environment.countsCallees = configuration.tiering.usesProfiles
        // SAFETY: whoever compiles for this object holds it, and so the budget.
        environment.watch = unsafe CompilationWatch(budget)
        return environment
    }

    // MARK: The second tier

    func isHot(
        _ index: Int, at loop: Int?, in outermost: Int?, of loaded: LoadedModule
    ) -> LoopEntry? {
        if configuration.tiering.isSynchronous {
            optimizeNow(index, at: loop, in: outermost, loaded)
        } else if let request = functions.withLock({
            Self.request(index, at: loop, in: outermost, &$0)
        }) {
            let bytes = Int(body(of: index).end) - Int(body(of: index).start)
            queue.add(request, bodyBytes: bytes, of: loaded, by: self)
        }
        let prospect = functions.withLock { Self.prospect(index, at: loop, in: outermost, &$0) }
        switch prospect {
        case .nothing: loaded.setHeat(.max, ofFunction: index)
        case .soon: loaded.setHeat(heatBetweenLooks, ofFunction: index)
        case .entry(let entry):
            loaded.setHeat(heatBetweenLooks, ofFunction: index)
            if loop == outermost { loaded.setTakeover(false, ofFunction: index) }
            return entry
        case .atOutermost(let isLast):
            // As long as it takes to pay for code that begins here.
            let patience = isForTests ? heatBetweenLooks : heat(ofBody: body(of: index))
            loaded.setHeat(isLast ? .max : patience, ofFunction: index)
            loaded.setTakeover(true, ofFunction: index)
        }
        return nil
    }

    /// What a call that is hot has to expect.
    private enum Prospect {
        case nothing
        case soon
        /// Here, now.
        case entry(LoopEntry)
        /// When it gets to the header of the outermost loop; and here as well unless that is the
        /// last that there will be.
        case atOutermost(isLast: Bool)
    }

    private static func prospect(
        _ index: Int, at loop: Int?, in outermost: Int?, _ functions: inout [Int: FunctionTier]
    ) -> Prospect {
        guard let tier = functions[index] else { return .soon }
        if tier.state == .refused { return .nothing }
        let here = loop.flatMap { tier.loops[$0] }
        if case .made(let entry) = here { return .entry(entry) }
        guard let outermost, let state = tier.loops[outermost] else {
            return tier.refusals >= FunctionTier.refusalLimit ? .nothing : .soon
        }
        switch state {
        case .requested: return .soon
        case .refused: return .nothing
        case .made:
            functions[index]?.isHeldUp = true
            if case .requested = here { return .soon }
            if case .refused = here { return .atOutermost(isLast: true) }
            return .atOutermost(isLast: loop == nil)
        }
    }

    /// What is to be made.
    private static func request(
        _ index: Int, at loop: Int?, in outermost: Int?, _ functions: inout [Int: FunctionTier]
    ) -> TierRequest? {
        // Read in place: a copy of it would have its loops copied.
        guard let state = functions[index]?.state else {
            functions[index] = FunctionTier()
            let round = loop ?? outermost
            return TierRequest(
                function: index, loop: nil,
                cause: round.map { .rounds(offset: $0) } ?? .calls)
        }
        // A call that has not ended when the function is ready stays long.
        guard state == .optimized, let outermost else { return nil }
        var wanted = outermost
        if case .made = functions[index]?.loops[outermost], functions[index]?.isHeldUp == true,
            let loop
        {
            wanted = loop
        }
        let isRefusedOften = (functions[index]?.refusals ?? 0) >= FunctionTier.refusalLimit
        if isRefusedOften || functions[index]?.loops[wanted] != nil { return nil }
        functions[index]?.loops[wanted] = .requested
        return TierRequest(function: index, loop: wanted, cause: .longCall)
    }

    private func optimizeNow(
        _ index: Int, at loop: Int?, in outermost: Int?, _ loaded: LoadedModule
    ) {
        func next() -> TierRequest? {
            functions.withLock { Self.request(index, at: loop, in: outermost, &$0) }
        }
        // It is the thread of a guest, which may be told to stop.
        if budget.isStopped { return }
        var request = next()
        if request == nil { return }
        // Stays where it is: to move one costs a debug build seconds.
        var tier = makeOptimizingTier(for: loaded)
        while let wanted = request {
            make(wanted, with: &tier, of: loaded)
            request = budget.isStopped ? nil : next()
        }
    }

    /// What compiles hot functions of `loaded`, the module, on one thread.
    func makeOptimizingTier(for loaded: LoadedModule) -> OptimizingTier {
        var environment = environment
        environment.profile = profiles(of: loaded)
        return OptimizingTier(environment, configuration.features)
    }

    /// Makes what `request` asks for. What cannot be made stays as it is.
    func make(
        _ request: TierRequest, with tier: inout OptimizingTier, of loaded: LoadedModule
    ) {
        let index = request.function
        let start = ContinuousClock.now
        let hasRoom = counts.withLock { $0.optimizedBytes < budget.codeBytes }
        if let loop = request.loop {
            // Each loop of a large function has code for all of it.
            let entry = hasRoom ? try? tier.optimize(index, from: loop, of: loaded) : nil
            if entry == nil, budget.isStopped {
                return functions.withLock { $0[index]?.loops[loop] = nil }
            }
            functions.withLock { functions in
                functions[index]?.loops[loop] = entry.map { .made($0) } ?? .refused
                if entry == nil { functions[index]?.refusals += 1 }
            }
            return count(request, entry?.image, since: start)
        }
        let image = hasRoom ? try? tier.optimize(index, of: loaded) : nil
        // It is tried again when the function is called again.
        if image == nil, budget.isStopped { return functions.withLock { $0[index] = nil } }
        if let image { loaded.direct(index, to: image) }
        functions.withLock { functions in
            functions[index]?.state = image == nil ? .refused : .optimized
        }
        count(request, image, since: start)
    }

    private func count(
        _ request: TierRequest, _ image: CodeImage?, since start: ContinuousClock.Instant
    ) {
        let now = ContinuousClock.now
        counts.withLock { counts in
            counts.optimizingTime += start.duration(to: now)
            counts.optimizedBytes += image?.codeBytes ?? 0
            counts.optimizations.append(
                TierStatistics.Optimization(
                    function: request.function, loop: request.loop, cause: request.cause,
                    time: self.start.duration(to: now), succeeded: image != nil,
                    hotCallees: image?.inlinedCount ?? 0))
        }
    }
}

/// Something to be made: the code of a function, or code of it that begins at a loop.
struct TierRequest: Hashable, Sendable {
    var function: Int
    /// Offset of the loop's first instruction in the body.
    var loop: Int?
    var cause: TierStatistics.Cause
}
