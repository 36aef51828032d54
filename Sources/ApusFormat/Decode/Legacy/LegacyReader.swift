internal import ApusCollections

/// Reads the instructions of a body that nobody has checked, as far as it matters for the legacy
/// ones among them: structure, and labels. What it cannot read, the validator will not accept.
struct LegacyReader {
    /// An instruction, and where its parts lie.
    struct Step {
        enum Kind {
            case plain
            /// `block`, `loop`, `if`.
            case opens
            case `else`
            case end
            /// Reads or writes the local `label`.
            case local
            /// Branches to `label`, which lies at `labelRange`.
            case branch
            case branchTable
            case tryTable
            case legacy(LegacyInstruction)
        }

        var kind: Kind
        var range: Range<Int>
        /// A label, a local, or the tag of a `catch`.
        var label: UInt32 = 0
        var labelRange = 0..<0
        /// Of a `br_table`, the last one too.
        var labels: [UInt32] = []
        var type = BlockType.empty
    }

    private var reader: InstructionReader
    private let end: Int

    /// A reader of the code from `start` up to `end`.
    init(_ bytes: ByteStorage, from start: Int, to end: Int) {
        reader = InstructionReader(bytes, from: start, to: end)
        self.end = end
    }

    var position: Int { reader.position }

    /// The next instruction; nil at the end, and where there is none that can be read.
    mutating func next() -> Step? {
        let start = reader.position
        guard start < end else { return nil }
        if let legacy = LegacyInstruction(rawValue: reader.peekByte()) {
            return readLegacy(legacy, from: start)
        }
        let operation = reader.next()
        var step = Step(kind: .plain, range: start..<start)
        switch operation.immediates {
        case .blockType:
            step.kind = .opens
            step.type = reader.readBlockType()
        case .local:
            step.kind = .local
            readLabel(&step)
        case .label:
            step.kind = .branch
            readLabel(&step)
        case .castBranch:
            step.kind = .branch
            _ = reader.readByte()
            readLabel(&step)
            _ = reader.readHeapType()
            _ = reader.readHeapType()
        case .labelTable:
            step.kind = .branchTable
            guard let count = readCount() else { return nil }
            step.labels = (0...count).map { _ in reader.readIndex() }
        case .valueTypes:
            guard let count = readCount() else { return nil }
            for _ in 0..<count { _ = reader.readValueType() }
        case .catchTable:
            step.kind = .tryTable
            let place = reader.position
            _ = reader.readBlockType()
            guard readCount() != nil else { return nil }
            reader.position = place
            reader.skipImmediates(of: operation)
        default:
            if operation == .else { step.kind = .else }
            if operation == .end { step.kind = .end }
            reader.skipImmediates(of: operation)
        }
        return finish(step, from: start)
    }

    private mutating func readLegacy(_ legacy: LegacyInstruction, from start: Int) -> Step? {
        _ = reader.readByte()
        var step = Step(kind: .legacy(legacy), range: start..<start)
        switch legacy {
        case .try: step.type = reader.readBlockType()
        case .catch, .rethrow, .delegate: readLabel(&step)
        case .catchAll: break
        }
        return finish(step, from: start)
    }

    private mutating func readLabel(_ step: inout Step) {
        let start = reader.position
        step.label = reader.readIndex()
        step.labelRange = start..<reader.position
    }

    /// How many items of at least a byte follow.
    private mutating func readCount() -> Int? {
        let count = Int(reader.readIndex())
        return count <= end - reader.position ? count : nil
    }

    private func finish(_ step: Step, from start: Int) -> Step? {
        guard reader.position <= end else { return nil }
        var step = step
        step.range = start..<reader.position
        return step
    }
}
