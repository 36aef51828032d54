public import ApusDWARF
public import ApusFormat
internal import ApusLocks

/// Which sources a module's code comes from: found out when somebody asks, once.
final class ModuleSources: Sendable {
    /// Who knows more than the module does.
    private struct Readers: Sendable {
        /// Gives the source map that the module refers to.
        var map: (@Sendable () -> [UInt8]?)?
        /// Gives the places in the text that the module was made of.
        var text: (@Sendable (DecodedModule) -> SourceMap?)?

        var isEmpty: Bool { map == nil && text == nil }
    }

    private enum State {
        case unread(Readers)
        /// The embedder is asked for the source map, or a text is parsed.
        case asking
        case read(SourceIndex?)
    }

    private enum Step {
        case done(SourceIndex?)
        case ask(Readers)
    }

    private let state = SystemMutex(State.unread(Readers()))

    /// What `module`, whose sources these are, says of them.
    ///
    /// The embedder's code is called without the lock: it may do whatever it likes, ask this
    /// included. Whoever asks meanwhile learns nothing.
    func index(of module: DecodedModule) -> SourceIndex? {
        let step = state.withLock { state -> Step in
            switch state {
            case .read(let index): return .done(index)
            case .asking: return .done(nil)
            case .unread(let readers) where !readers.isEmpty:
                state = .asking
                return .ask(readers)
            case .unread:
                let index = module.sourceIndex(nil)
                state = .read(index)
                return .done(index)
            }
        }
        switch step {
        case .done(let index): return index
        case .ask(let readers):
            let index =
                module.sourceIndex(readers.map) ?? module.textIndex(readers.text?(module))
            state.withLock { $0 = .read(index) }
            return index
        }
    }

    /// What is known by now, for who must not wait for it.
    var known: SourceIndex? {
        state.withLock { state in
            if case .read(let index) = state { index } else { nil }
        }
    }

    /// Has `read` give the source map that the module refers to, unless it has been looked for.
    func setSourceMap(_ read: @escaping @Sendable () -> [UInt8]?) { set { $0.map = read } }

    /// Has `read` give the places in the text that the module was made of, if nothing else is known
    /// of its sources, and they have not been looked for.
    func setText(_ read: @escaping @Sendable (DecodedModule) -> SourceMap?) {
        set { $0.text = read }
    }

    private func set(_ change: (inout Readers) -> Void) {
        state.withLock { state in
            guard case .unread(var readers) = state else { return }
            change(&readers)
            state = .unread(readers)
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

    /// The same by the places in its text.
    public func textIndex(_ places: SourceMap?) -> SourceIndex? {
        guard let codeStart = codeSectionStart, let places else { return nil }
        return SourceIndex(DebugSections(bytes), map: places, codeStart: codeStart)
    }
}
