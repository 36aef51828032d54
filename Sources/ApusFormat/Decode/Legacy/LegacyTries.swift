internal import ApusCollections

/// The `try`s of a body, in the order in which they begin, and what has to be known of each before
/// it is rewritten.
struct LegacyTries {
    struct Handler {
        /// Nil: of all.
        var tag: UInt32?
        /// Whether something in it throws what it has caught again.
        var isRethrown = false
    }

    /// Where exceptions go that leave a `try` with a `delegate`.
    enum Delegation {
        /// To the clauses of this one, which is around it.
        case to(Int)
        case caller
    }

    struct Try {
        var handlers: [Handler] = []
        var delegation: Delegation?
        /// Whether another one delegates to it.
        var isDelegatedTo = false
    }

    private(set) var tries: [Try] = []
    private(set) var delegatesToCaller = false

    /// An open instruction.
    private enum Open {
        case other
        case body(Int)
        case handler(Int)
    }

    private var open: [Open] = []
    /// Of each open instruction, the innermost `try` of those up to it whose body it is in, or -1.
    private var bodies: [Int] = []

    private mutating func push(_ instruction: Open) {
        var body = bodies.last ?? -1
        if case .body(let index) = instruction { body = index }
        bodies.append(body)
        open.append(instruction)
    }

    private mutating func pop() -> Open? {
        _ = bodies.popLast()
        return open.popLast()
    }

    /// What the body has whose code goes from `start` to `end`; nil if nothing in it is legacy, or
    /// if it cannot be read.
    static func find(
        in bytes: ByteStorage, from start: Int, to end: Int
    ) throws(ModuleError) -> LegacyTries? {
        var found = LegacyTries()
        var reader = LegacyReader(bytes, from: start, to: end)
        var mixed: Int?
        while let step = reader.next() {
            switch step.kind {
            case .plain, .else, .local, .branch, .branchTable: break
            case .opens: found.push(.other)
            case .tryTable:
                mixed = step.range.lowerBound
                found.push(.other)
            case .end: if found.pop() == nil { return try found.finish(mixed) }
            case .legacy(let legacy): try found.note(legacy, step)
            }
        }
        return nil
    }

    /// Hardly anybody has both, and a label would mean two things.
    private func finish(_ mixed: Int?) throws(ModuleError) -> LegacyTries? {
        if tries.isEmpty { return nil }
        if let mixed {
            throw ModuleError(
                .unsupported(.legacyExceptions), at: mixed,
                "try_table in a function with legacy exception handling")
        }
        return self
    }

    private mutating func note(
        _ legacy: LegacyInstruction, _ step: LegacyReader.Step
    ) throws(ModuleError) {
        let offset = step.range.lowerBound
        switch legacy {
        case .try:
            push(.body(tries.count))
            tries.append(Try())
        case .catch, .catchAll:
            guard let index = innermost, !endsHandlers(index) else {
                throw ModuleError(.malformed, at: offset, "unexpected token \(legacy.name)")
            }
            tries[index].handlers.append(Handler(tag: legacy == .catch ? step.label : nil))
            _ = pop()
            push(.handler(index))
        case .rethrow:
            guard let place = openIndex(ofLabel: step.label), case .handler(let index) = open[place]
            else {
                throw ModuleError(.invalid, at: offset, "invalid rethrow label \(step.label)")
            }
            tries[index].handlers[tries[index].handlers.count - 1].isRethrown = true
        case .delegate:
            guard case .body(let index)? = pop() else {
                throw ModuleError(.malformed, at: offset, "unexpected token delegate")
            }
            try delegate(index, step)
        }
    }

    /// The innermost open instruction, if it is a `try`.
    private var innermost: Int? {
        switch open.last {
        case .body(let index)?, .handler(let index)?: index
        case .other?, nil: nil
        }
    }

    /// `catch_all` is the last one.
    private func endsHandlers(_ index: Int) -> Bool {
        tries[index].handlers.last.map { $0.tag == nil } ?? false
    }

    private func openIndex(ofLabel label: UInt32) -> Int? {
        Int(label) < open.count ? open.count - 1 - Int(label) : nil
    }

    /// The exception goes to the first `try` around the label whose body this is, not whose
    /// handler.
    private mutating func delegate(
        _ index: Int, _ step: LegacyReader.Step
    ) throws(ModuleError) {
        guard Int(step.label) <= open.count else {
            throw ModuleError(
                .invalid, at: step.range.lowerBound, "unknown label \(step.label)")
        }
        let place = open.count - 1 - Int(step.label)
        if place >= 0, bodies[place] >= 0 {
            tries[index].delegation = .to(bodies[place])
            tries[bodies[place]].isDelegatedTo = true
            return
        }
        tries[index].delegation = .caller
        delegatesToCaller = true
    }
}
