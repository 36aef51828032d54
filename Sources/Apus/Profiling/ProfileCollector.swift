internal import ApusABI
internal import ApusDWARF
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// Adds samples up to a profile. Program counters are looked up when they are first seen, while
/// their code is there, which is then kept: no other code comes to the same place.
final class ProfileCollector: Sendable {
    private struct State {
        var frames: [Profile.Frame] = []
        var frameIndices: [Profile.Frame: Int] = [:]
        var nodes: [Profile.Node] = []
        var nodeIndices: [Edge: Int] = [:]
        /// By program counter, in code that is running and as a return address: the frames there,
        /// outermost first.
        var places: [Place: [Int]] = [:]
        /// By return address: what a guest has called there that is the host's.
        var callees: [UInt: Int] = [:]
        var images: [ObjectIdentifier: CodeImage] = [:]
        var lost: UInt64 = 0
        var lookup = WorkBudget.session
        var names = SourceNames(bytes: 4 << 20)
    }

    private struct Edge: Hashable {
        var parent: Int?
        var frame: Int
    }

    private struct Place: Hashable {
        var counter: UInt
        var isReturnAddress: Bool
    }

    private let state = SystemMutex(State())

    /// Adds a sample (`Sampling`).
    func add(_ counters: Span<UInt>) {
        state.withLock { state in
            // From the outermost on.
            var node: Int?
            for place in counters.indices.reversed() {
                for frame in Self.frames(counters, place, &state) {
                    node = Self.node(Edge(parent: node, frame: frame), &state)
                }
            }
            if let node { state.nodes[node].samples += 1 }
        }
    }

    func addLost(_ count: UInt64) { state.withLock { $0.lost += count } }

    func profile(period: Duration, lost: UInt64) -> Profile {
        state.withLock { state in
            var profile = Profile(period: period)
            profile.frames = state.frames
            profile.nodes = state.nodes
            profile.lostSamples = Int(clamping: state.lost + lost)
            return profile
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

    /// The frames of the program counter at `place`, outermost first.
    private static func frames(
        _ counters: Span<UInt>, _ place: Int, _ state: inout State
    ) -> [Int] {
        let counter = counters[place]
        if counter == 0 {
            // Whom the guest has called is told by where it returns to.
            let caller = place + 1 < counters.count ? counters[place + 1] : 0
            return [callee(ofCallReturningTo: caller, &state)]
        }
        let key = Place(counter: counter, isReturnAddress: place > 0)
        if let known = state.places[key] { return known }
        let found = lookUp(key, &state)
        state.places[key] = found
        return found
    }

    private static func lookUp(_ place: Place, _ state: inout State) -> [Int] {
        guard let code = CodeRegistry.shared.code(at: place.counter) else { return [] }
        let functions = code.image.descriptors(in: code.module)
        let found =
            place.isReturnAddress
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
        // Whoever takes samples out has other things to do: they were read before (`readsSources`).
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
        ofCallReturningTo counter: UInt, _ state: inout State
    ) -> Int {
        if let known = state.callees[counter] { return known }
        let name = calleeName(ofCallReturningTo: counter) ?? "host"
        let found = index(Profile.Frame(name: name, kind: .host), &state)
        state.callees[counter] = found
        return found
    }

    /// What the instruction calls that returns to `counter`: the two names of an import, or what
    /// the runtime does. Nil if that is not to be seen there.
    private static func calleeName(ofCallReturningTo counter: UInt) -> String? {
        guard counter != 0, let code = CodeRegistry.shared.code(at: counter) else { return nil }
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
