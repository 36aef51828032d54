internal import ApusABI
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// Adds samples up to a profile. What is at their program counters is looked up when somebody asks
/// for the profile, or their store goes; code that was seen is kept, so that no other comes to the
/// same place.
final class ProfileCollector: Sendable {
    private typealias Place = ProfileSamples.Place
    private typealias Code = (image: CodeImage, module: LoadedModule)

    private struct State {
        var frames: [Profile.Frame] = []
        var frameIndices: [Profile.Frame: Int] = [:]
        var nodes: [Profile.Node] = []
        var nodeIndices: [Edge: Int] = [:]
        /// The frames at places, outermost first.
        var places: [Place: [Int]] = [:]
        var images: [ObjectIdentifier: CodeImage] = [:]
        var lost: UInt64 = 0
        var lookup = WorkBudget.session
        var names = SourceNames(bytes: 4 << 20)
    }

    private struct Edge: Hashable {
        var parent: Int?
        var frame: Int
    }

    /// Taken for long, and before `samples`.
    private let state = SystemMutex(State())
    /// What has come since it was last looked up. Who adds waits for no look-up.
    private let samples = SystemMutex(ProfileSamples())

    /// Adds a sample (`Sampling`).
    func add(_ counters: Span<UInt>) { samples.withLock { $0.add(counters) } }

    /// A store is looked at no more, which has lost `count` samples.
    func finish(lost count: UInt64) {
        state.withLock { state in
            lookUpSamples(&state)
            state.lost += count
        }
    }

    func profile(period: Duration, lost: UInt64) -> Profile {
        state.withLock { state in
            lookUpSamples(&state)
            var profile = Profile(period: period)
            profile.frames = state.frames
            profile.nodes = state.nodes
            profile.lostSamples = Int(clamping: state.lost + lost)
            return profile
        }
    }

    /// Makes frames of what has come.
    private func lookUpSamples(_ state: inout State) {
        let samples = samples.withLock { samples in
            defer { samples = ProfileSamples() }
            return samples
        }
        // The node of each of theirs: that of the caller if nothing is known there.
        var nodes: [Int?] = []
        nodes.reserveCapacity(samples.nodes.count)
        for sampled in samples.nodes {
            var node = sampled.parent.flatMap { nodes[$0] }
            let place = samples.places[sampled.place]
            for frame in Self.frames(place, samples.codes[sampled.place], &state) {
                node = Self.node(Edge(parent: node, frame: frame), &state)
            }
            if let node { state.nodes[node].samples += sampled.samples }
            nodes.append(node)
        }
    }

    // MARK: Steps

    private static func node(_ edge: Edge, _ state: inout State) -> Int {
        if let known = state.nodeIndices[edge] { return known }
        state.nodes.append(Profile.Node(frame: edge.frame, parent: edge.parent, samples: 0))
        state.nodeIndices[edge] = state.nodes.count - 1
        return state.nodes.count - 1
    }

    private static func index(_ frame: Profile.Frame, _ state: inout State) -> Int {
        // Which file it is told to be from makes no other function of it.
        var key = frame
        key.file = nil
        if let known = state.frameIndices[key] { return known }
        state.frames.append(frame)
        state.frameIndices[key] = state.frames.count - 1
        return state.frames.count - 1
    }

    /// The frames at `place`, outermost first.
    private static func frames(_ place: Place, _ code: Code?, _ state: inout State) -> [Int] {
        if let known = state.places[place] { return known }
        let found =
            place.kind == .called
            ? [callee(ofCallReturningTo: place.counter, code, &state)]
            : lookUp(place, code, &state)
        state.places[place] = found
        return found
    }

    private static func lookUp(_ place: Place, _ code: Code?, _ state: inout State) -> [Int] {
        guard let code else { return [] }
        let functions = code.image.descriptors(in: code.module)
        let found =
            place.kind == .waiting
            ? functions.places(at: place.counter, isReturnAddress: true)
            : functions.places(near: place.counter)
        guard let own = found.last else { return [] }
        state.images[ObjectIdentifier(code.image)] = code.image
        let kind: Profile.Frame.Kind =
            switch code.image.tier {
            case .baseline: .baseline
            case .optimizing: .optimized
            case nil: .precompiled
            }
        // Before the function's own are callees that it has in place of calls.
        var frames = Self.frames(own, code.module, kind, &state)
        for callee in found.dropLast().reversed() {
            frames += Self.frames(callee, code.module, .inlined, &state)
        }
        return frames.map { index($0, &state) }
    }

    /// A function of a guest, and then those of its source that it has in place of calls.
    private static func frames(
        _ place: SourcePlace, _ module: LoadedModule, _ kind: Profile.Frame.Kind,
        _ state: inout State
    ) -> [Profile.Frame] {
        let offset = module.module.sourceOffset(of: place.moduleOffset)
        // They were read before (`readsSources`).
        let sources = module.knownSourceIndex?.frames(at: offset, &state.lookup) ?? []
        let index = Int(place.code.functionIndex)
        let name = module.name(ofFunction: index) ?? sources.last?.function
        var frames = [
            Profile.Frame(
                name: name.map { state.names.demangled($0) } ?? "function \(index)", kind: kind,
                file: sources.last?.position?.file)
        ]
        for source in sources.dropLast().reversed() {
            frames.append(
                Profile.Frame(
                    name: source.function.map { state.names.demangled($0) } ?? "function",
                    kind: .inlined, file: source.position?.file))
        }
        return frames
    }

    private static func callee(
        ofCallReturningTo counter: UInt, _ code: Code?, _ state: inout State
    ) -> Int {
        if let code { state.images[ObjectIdentifier(code.image)] = code.image }
        let name = code.flatMap { calleeName(ofCallReturningTo: counter, $0) } ?? "host"
        return index(Profile.Frame(name: name, kind: .host), &state)
    }

    /// What the instruction calls that returns to `counter`: the two names of an import, or what
    /// the runtime does. Nil if that is not to be seen there.
    private static func calleeName(ofCallReturningTo counter: UInt, _ code: Code) -> String? {
        let functions = code.image.descriptors(in: code.module)
        guard let place = functions.place(at: counter, isReturnAddress: true) else { return nil }
        let module = code.module.module
        var reader = InstructionReader(
            module.bytes, from: place.moduleOffset, to: Int(place.body.end))
        let instruction = reader.next()
        if case .call = instruction {
            let index = Int(reader.readIndex())
            return index < module.importedFunctionCount
                ? importName(index, module) : "apus: compiling"
        }
        if case .callIndirect = instruction { return nil }
        if case .callRef = instruction { return nil }
        return "apus: runtime"
    }

    private static func importName(_ index: Int, _ module: DecodedModule) -> String? {
        var functions = -1
        for item in module.imports {
            guard case .function = item.type else { continue }
            functions += 1
            if functions == index { return "\(item.module).\(item.name)" }
        }
        return nil
    }
}
