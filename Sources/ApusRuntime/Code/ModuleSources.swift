public import ApusDWARF
public import ApusFormat
internal import ApusLocks

/// Which sources a module's code comes from: found out when somebody asks, once.
final class ModuleSources: Sendable {
    private enum State {
        case unread(map: (@Sendable () -> [UInt8]?)?)
        /// The embedder is asked for the source map.
        case asking
        case read(SourceIndex?)
    }

    private enum Step {
        case done(SourceIndex?)
        case ask(@Sendable () -> [UInt8]?)
    }

    private let state = SystemMutex(State.unread(map: nil))

    /// What `module`, whose sources these are, says of them.
    ///
    /// The embedder's code is called without the lock: it may do whatever it likes, ask this
    /// included. Whoever asks meanwhile learns nothing.
    func index(of module: DecodedModule) -> SourceIndex? {
        let step = state.withLock { state -> Step in
            switch state {
            case .read(let index): return .done(index)
            case .asking: return .done(nil)
            case .unread(let map?) where module.ownSourceMap == nil:
                state = .asking
                return .ask(map)
            case .unread:
                let index = module.sourceIndex(nil)
                state = .read(index)
                return .done(index)
            }
        }
        switch step {
        case .done(let index): return index
        case .ask(let read):
            let map = read()
            return state.withLock { state in
                let index = module.sourceIndex { map }
                state = .read(index)
                return index
            }
        }
    }

    /// What is known by now, for who must not wait for it.
    var known: SourceIndex? {
        state.withLock { state in
            if case .read(let index) = state { index } else { nil }
        }
    }

    /// Has `read` give the source map that the module refers to, unless it has been looked for.
    func setSourceMap(_ read: @escaping @Sendable () -> [UInt8]?) {
        state.withLock { state in
            if case .unread = state { state = .unread(map: read) }
        }
    }
}

extension DecodedModule {
    /// The source map that it has in itself.
    fileprivate var ownSourceMap: [UInt8]? { inlineSourceMap.flatMap { Base64.bytes($0) } }

    /// Which sources its code comes from, by its DWARF sections or the source map that it has or
    /// that `map` gives; nil if none says anything.
    public func sourceIndex(_ map: (() -> [UInt8]?)?) -> SourceIndex? {
        guard let codeStart = codeSectionStart else { return nil }
        var sections = DebugSections(bytes)
        for section in customSections where section.name.hasPrefix(".debug_") {
            for kind in DebugSections.Kind.allCases where kind.name == section.name {
                sections[kind] = section.contents
            }
        }
        let text = ownSourceMap ?? map?()
        return SourceIndex(sections, map: text.flatMap { SourceMap($0) }, codeStart: codeStart)
    }
}
