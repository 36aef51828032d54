internal import ApusCollections

/// Writes a body with legacy exception handling anew, with `try_table`.
///
/// A `try` becomes a block around one block for each handler, and those around a `try_table`:
///
///     block                          the label of the try
///       block                        where the second handler begins
///         block                      where the first one begins
///           try_table (catch_ref $tag 0) (catch_all 1)
///             …                      the body
///           end
///           br 2
///         end
///         local.set $exception       if something throws it again
///         …                          the first handler
///         br 1
///       end
///       …                            the second handler
///     end
///
/// A body that others delegate to lies in one more block within the `try_table`, behind which what
/// arrives is thrown; one that delegates catches everything and branches there.
struct LegacyRewriter {
    private let bytes: ByteStorage
    private let tries: LegacyTries
    private let types: LegacyTypes
    private var writer = ByteWriter()
    private(set) var origins: [CodeOrigin] = []

    /// An instruction of the old code that is open.
    private struct Open {
        /// Number of its label among those that are open in the new code.
        var label: Int
        /// Of a `try`, else -1.
        var index = -1
        var type = BlockType.empty
        var tryTable = 0
        /// The local for what has been caught, counted from the first one of its kind.
        var local = 0
        /// That of a `try` directly in it.
        var nextLocal = 0
        /// The handler that is being read; -1 in the body.
        var handler = -1
    }

    private var open: [Open] = []
    /// Of each `try` so far, the label where others delegate to, if they do.
    private var delegates: [Int] = []
    /// How many labels are open in the new code, the function's included.
    private var depth = 1
    private var nextTry = 0
    private var localCount = 0
    /// Index of the first local for exceptions.
    private let firstLocal: UInt32

    init(
        _ bytes: ByteStorage, _ tries: LegacyTries, locals: Int,
        _ types: LegacyTypes
    ) {
        self.bytes = bytes
        self.tries = tries
        self.types = types
        firstLocal = UInt32(truncatingIfNeeded: locals)
    }

    /// The new code of the body whose code goes from `start` to `end`, and how many locals of type
    /// exnref it needs besides those that there are.
    mutating func rewrite(
        from start: Int, to end: Int
    ) throws(ModuleError) -> (code: [UInt8], locals: Int) {
        var reader = LegacyReader(bytes, from: start, to: end)
        if tries.delegatesToCaller { try openBlock(LegacyTypes.Shape()) }
        while let step = reader.next() {
            note(step)
            if case .end = step.kind, open.isEmpty { break }
            try write(step)
        }
        if tries.delegatesToCaller {
            writer.write(0x0F)
            close()
            writer.write(0x0A)
        }
        writer.write(0x0B)
        // What follows the end is not valid, and stays so.
        copy(reader.position..<end)
        return (writer.bytes, localCount)
    }

    private mutating func note(_ step: LegacyReader.Step) {
        let origin = CodeOrigin(
            start: UInt32(truncatingIfNeeded: writer.bytes.count),
            source: UInt32(truncatingIfNeeded: step.range.lowerBound))
        if let last = origins.last, origin.start &- last.start == origin.source &- last.source {
            return
        }
        origins.append(origin)
    }

    private mutating func write(_ step: LegacyReader.Step) throws(ModuleError) {
        switch step.kind {
        case .plain, .else, .tryTable: copy(step.range)
        case .local:
            // Those that come after them are for exceptions.
            guard step.label < firstLocal else { throw unknown("local", step) }
            copy(step.range)
        case .opens:
            try check(step)
            open.append(Open(label: depth, nextLocal: open.last?.nextLocal ?? 0))
            depth += 1
            copy(step.range)
        case .end: writeEnd()
        case .branch:
            copy(step.range.lowerBound..<step.labelRange.lowerBound)
            writer.write(unsigned: try label(step.label, step))
            copy(step.labelRange.upperBound..<step.range.upperBound)
        case .branchTable:
            writer.write(0x0E)
            writer.write(count: step.labels.count - 1)
            for each in step.labels { writer.write(unsigned: try label(each, step)) }
        case .legacy(.try):
            try check(step)
            try writeTry(step.type)
        case .legacy(.catch), .legacy(.catchAll): beginHandler()
        case .legacy(.rethrow):
            guard Int(step.label) < open.count else { return }
            let target = open[open.count - 1 - Int(step.label)]
            writer.write(0x20)
            writer.write(unsigned: firstLocal &+ UInt32(truncatingIfNeeded: target.local))
            writer.write(0x0A)
        case .legacy(.delegate): writeDelegate()
        }
    }

    // MARK: Parts

    private mutating func copy(_ range: Range<Int>) {
        for place in range { writer.write(bytes.span[place]) }
    }

    private func unknown(_ what: String, _ step: LegacyReader.Step) -> ModuleError {
        ModuleError(.invalid, at: step.range.lowerBound, "unknown \(what) \(step.label)")
    }

    /// Checks that the type of a structured instruction is one that the module has itself.
    private func check(_ step: LegacyReader.Step) throws(ModuleError) {
        guard let index = step.type.typeIndex, index >= types.ownCount else { return }
        throw ModuleError(.invalid, at: step.range.lowerBound, "unknown type \(index)")
    }

    /// What the label `label` of the old code, which `step` names, is in the new one.
    private func label(
        _ label: UInt32, _ step: LegacyReader.Step
    ) throws(ModuleError) -> UInt32 {
        let old = Int(label)
        guard old <= open.count else {
            throw ModuleError(.invalid, at: step.range.lowerBound, "unknown label \(label)")
        }
        let index = old == open.count ? 0 : open[open.count - 1 - old].label
        return UInt32(truncatingIfNeeded: depth - 1 - index)
    }

    private mutating func branch(toLabel index: Int) {
        writer.write(0x0C)
        writer.write(unsigned: UInt64(depth - 1 - index))
    }

    private mutating func close() {
        writer.write(0x0B)
        depth -= 1
    }

    private mutating func openBlock(_ shape: LegacyTypes.Shape) throws(ModuleError) {
        writer.write(0x02)
        write(try types.block(shape))
        depth += 1
    }

    private mutating func write(_ type: BlockType) {
        if let index = type.typeIndex {
            writer.write(signed: Int64(index))
        } else if let result = type.singleResult {
            writer.write(result)
        } else {
            writer.write(0x40)
        }
    }

    // MARK: try

    private mutating func writeTry(_ type: BlockType) throws(ModuleError) {
        let index = nextTry
        nextTry += 1
        let own = tries.tries[index]
        var frame = Open(label: depth, index: index, type: type)
        frame.local = open.last?.nextLocal ?? 0
        let isKept = own.handlers.contains(where: \.isRethrown)
        frame.nextLocal = frame.local + (isKept ? 1 : 0)
        localCount = max(localCount, frame.nextLocal)
        writer.write(0x02)
        write(type)
        depth += 1
        if own.delegation != nil {
            try openBlock(LegacyTypes.Shape(parameters: type))
            openTryTable(type, [LegacyTries.Handler(isRethrown: true)])
        } else {
            for handler in own.handlers.reversed() {
                try openBlock(
                    LegacyTypes.Shape(
                        parameters: type, tag: handler.tag, givesException: handler.isRethrown))
            }
            openTryTable(type, own.handlers)
        }
        frame.tryTable = depth - 1
        delegates.append(depth)
        if own.isDelegatedTo {
            try openBlock(LegacyTypes.Shape(parameters: type))
        }
        open.append(frame)
    }

    /// The blocks of the handlers are just around, that of the first one innermost.
    private mutating func openTryTable(_ type: BlockType, _ handlers: [LegacyTries.Handler]) {
        writer.write(0x1F)
        write(type)
        writer.write(count: handlers.count)
        for (place, handler) in handlers.enumerated() {
            writer.write((handler.tag == nil ? 2 : 0) + (handler.isRethrown ? 1 : 0))
            if let tag = handler.tag { writer.write(unsigned: tag) }
            writer.write(count: place)
        }
        depth += 1
    }

    /// Ends the body: its results are those of the `try`.
    private mutating func endBody(_ frame: Open) {
        if tries.tries[frame.index].isDelegatedTo {
            branch(toLabel: frame.tryTable)
            close()
            writer.write(0x0A)
        }
        close()
        branch(toLabel: frame.label)
    }

    private mutating func beginHandler() {
        guard let frame = open.last, frame.index >= 0 else { return }
        if frame.handler < 0 { endBody(frame) } else { branch(toLabel: frame.label) }
        close()
        open[open.count - 1].handler += 1
        let handler = tries.tries[frame.index].handlers[frame.handler + 1]
        guard handler.isRethrown else { return }
        writer.write(0x21)
        writer.write(unsigned: firstLocal &+ UInt32(truncatingIfNeeded: frame.local))
    }

    private mutating func writeEnd() {
        guard let frame = open.popLast() else { return }
        // Without handlers a `try` is a `try_table` that catches nothing.
        if frame.index >= 0, frame.handler < 0 { endBody(frame) }
        close()
    }

    private mutating func writeDelegate() {
        guard let frame = open.popLast(), frame.index >= 0 else { return }
        endBody(frame)
        close()
        switch tries.tries[frame.index].delegation {
        case .to(let target)?: branch(toLabel: delegates[target])
        case .caller?, nil: branch(toLabel: 1)
        }
        close()
    }
}
