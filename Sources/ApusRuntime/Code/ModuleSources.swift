public import ApusDWARF
public import ApusFormat
internal import ApusLocks

/// Which sources a module's code comes from: found out when somebody asks, once.
final class ModuleSources: Sendable {
    private enum State {
        case unread(map: (@Sendable () -> [UInt8]?)?)
        case read(SourceIndex?)
    }

    private let state = SystemMutex(State.unread(map: nil))

    /// What `module`, whose sources these are, says of them.
    func index(of module: DecodedModule) -> SourceIndex? {
        state.withLock { state in
            switch state {
            case .read(let index): return index
            case .unread(let map):
                let index = module.sourceIndex(map)
                state = .read(index)
                return index
            }
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
        let text = inlineSourceMap.flatMap { Base64.bytes($0) } ?? map?()
        return SourceIndex(sections, map: text.flatMap { SourceMap($0) }, codeStart: codeStart)
    }
}
