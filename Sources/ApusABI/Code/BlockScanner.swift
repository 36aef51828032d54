internal import ApusCollections
internal import ApusFormat

/// Goes along the body of a function and finds out which blocks and branches it has.
struct BlockScanner: ~Copyable {
    private var counters = BlockCounters()
    private var frames = Arena<Frame>(capacity: 32)
    private var isReachable = true
    private let bodyStart: Int

    private struct Frame: BitwiseCopyable {
        enum Kind: UInt8, BitwiseCopyable { case block, loop, `if`, `else` }

        var kind: Kind
        /// Whether code gets to where it begins.
        var isEntered: Bool
        /// Whether code gets to its end by a branch, or from the first arm of an `if`.
        var isTargeted = false
        /// Of an `if`.
        var branch: UInt32 = 0
        /// The table of branches that has named it last, by the counters before its own.
        var table: UInt32 = .max
    }

    /// The counters of a valid function with this body.
    static func scan(_ bytes: ByteStorage, _ body: FunctionBody) -> BlockCounters {
        var scanner = BlockScanner(bodyStart: Int(body.start))
        var reader = InstructionReader(bytes, body: body)
        scanner.frames.append(Frame(kind: .block, isEntered: true))
        scanner.beginBlock(reader)
        while !scanner.frames.isEmpty {
            let start = scanner.offset(reader)
            let operation = reader.next()
            scanner.read(operation, at: start, &reader)
        }
        return scanner.counters
    }

    private init(bodyStart: Int) { self.bodyStart = bodyStart }

    // MARK: Reading

    private func offset(_ reader: borrowing InstructionReader) -> UInt32 {
        UInt32(truncatingIfNeeded: reader.position &- bodyStart)
    }

    private mutating func takeCounter() -> UInt32 {
        defer { counters.count &+= 1 }
        return UInt32(truncatingIfNeeded: counters.count)
    }

    /// The instruction that is read next is the first of a block.
    private mutating func beginBlock(_ reader: borrowing InstructionReader) {
        let start = offset(reader)
        counters.blocks.append(
            BlockCounters.Block(
                start: start, work: .max, end: start, counter: takeCounter()))
        isReachable = true
    }

    /// The instruction that was read last is the last one of its block, if it is in one.
    private mutating func endBlock(_ reader: borrowing InstructionReader) {
        guard isReachable else { return }
        let last = counters.blocks.count &- 1
        counters.blocks[last].end = offset(reader)
        counters.blocks[last].work = min(counters.blocks[last].work, counters.blocks[last].end)
    }

    /// Nothing gets to what is read next.
    private mutating func leave(_ reader: borrowing InstructionReader) {
        endBlock(reader)
        isReachable = false
    }

    private mutating func nextBlock(_ reader: borrowing InstructionReader) {
        endBlock(reader)
        if isReachable { beginBlock(reader) }
    }

    /// Notes a branch to the frame `depth` outwards, if code gets here.
    private mutating func target(_ depth: UInt32) {
        if isReachable { frames[frames.count &- 1 &- Int(depth)].isTargeted = true }
    }

    private mutating func read(
        _ operation: Operation, at start: UInt32, _ reader: inout InstructionReader
    ) {
        if isReachable, counters.blocks.last.work == .max, operation.blockRole != .structure {
            counters.blocks[counters.blocks.count &- 1].work = start
        }
        if operation == .tryTable {
            readTryTable(&reader)
        } else if operation == .brTable {
            readTable(at: start, &reader)
        } else if let depth = condition(operation, &reader) {
            target(depth)
            guard isReachable else { return }
            let taken = takeCounter()
            nextBlock(reader)
            addBranch(at: start, taken, counters.blocks.last.counter)
        } else {
            readPlain(operation, at: start, &reader)
        }
    }

    /// The depth that `operation` branches to, if it does so on a condition; its immediates have
    /// been read then.
    private func condition(
        _ operation: Operation, _ reader: inout InstructionReader
    ) -> UInt32? {
        switch operation.blockRole {
        case .condition: return reader.readIndex()
        case .cast:
            var rest = copy reader
            _ = rest.readByte()
            let depth = rest.readIndex()
            reader.skipImmediates(of: operation)
            return depth
        case .straight, .call, .leaves, .structure, .choice: return nil
        }
    }

    private mutating func readPlain(
        _ operation: Operation, at start: UInt32, _ reader: inout InstructionReader
    ) {
        if operation == .br {
            target(reader.readIndex())
            return leave(reader)
        }
        reader.skipImmediates(of: operation)
        switch operation.blockRole {
        case .straight, .condition, .cast: break
        case .call: nextBlock(reader)
        case .leaves: leave(reader)
        case .structure, .choice: readStructure(operation, at: start, reader)
        }
    }

    private mutating func readStructure(
        _ operation: Operation, at start: UInt32, _ reader: borrowing InstructionReader
    ) {
        if operation == .else { return readElse(reader) }
        if operation == .end { return readEnd(reader) }
        var frame = Frame(kind: .block, isEntered: isReachable)
        if operation == .loop {
            frame.kind = .loop
            nextBlock(reader)
        } else if operation == .if {
            frame.kind = .if
            frame.branch = UInt32(truncatingIfNeeded: counters.branches.count)
            nextBlock(reader)
            // The other way is known at the `else` or the `end`.
            if isReachable { addBranch(at: start, counters.blocks.last.counter, 0) }
        }
        frames.append(frame)
    }

    private mutating func addBranch(at start: UInt32, _ first: UInt32, _ second: UInt32) {
        counters.branches.append(
            BlockCounters.Branch(
                bodyOffset: start, firstWay: UInt32(truncatingIfNeeded: counters.ways.count),
                wayCount: 2))
        counters.ways.append(first)
        counters.ways.append(second)
    }

    private mutating func setOtherWay(_ frame: Frame, _ counter: UInt32) {
        counters.ways[Int(counters.branches[Int(frame.branch)].firstWay) &+ 1] = counter
    }

    private mutating func readElse(_ reader: borrowing InstructionReader) {
        let last = frames.count &- 1
        endBlock(reader)
        if isReachable { frames[last].isTargeted = true }
        frames[last].kind = .else
        isReachable = frames[last].isEntered
        guard isReachable else { return }
        beginBlock(reader)
        setOtherWay(frames[last], counters.blocks.last.counter)
    }

    private mutating func readEnd(_ reader: borrowing InstructionReader) {
        let frame = frames.removeLast()
        if frames.isEmpty { return leave(reader) }
        if frame.kind == .if, frame.isEntered {
            setOtherWay(frame, takeCounter())
        } else if frame.kind == .loop || !frame.isTargeted {
            return
        }
        endBlock(reader)
        beginBlock(reader)
    }

    private mutating func readTryTable(_ reader: inout InstructionReader) {
        _ = reader.readBlockType()
        for _ in 0..<reader.readIndex() {
            if reader.readByte() < 2 { _ = reader.readIndex() }
            target(reader.readIndex())
        }
        frames.append(Frame(kind: .block, isEntered: isReachable))
    }

    private mutating func readTable(at start: UInt32, _ reader: inout InstructionReader) {
        let entries = Int(reader.readIndex())
        let table = UInt32(truncatingIfNeeded: counters.count)
        let firstWay = counters.ways.count
        for _ in 0...entries {
            let depth = reader.readIndex()
            target(depth)
            let place = frames.count &- 1 &- Int(depth)
            guard isReachable, entries > 0, frames[place].table != table else { continue }
            frames[place].table = table
            counters.ways.append(takeCounter())
        }
        if counters.ways.count > firstWay {
            counters.branches.append(
                BlockCounters.Branch(
                    bodyOffset: start, firstWay: UInt32(truncatingIfNeeded: firstWay),
                    wayCount: UInt32(truncatingIfNeeded: counters.ways.count &- firstWay)))
        }
        leave(reader)
    }
}

extension Operation {
    fileprivate enum BlockRole {
        case straight
        /// Goes on, if who is called returns.
        case call
        /// Branches on a condition, and says first where to.
        case condition
        /// The same, behind a byte.
        case cast
        case leaves
        case structure
        /// An `if`.
        case choice
    }

    fileprivate var blockRole: BlockRole {
        switch self {
        case .block, .loop, .else, .end, .tryTable: .structure
        case .if: .choice
        case .call, .callIndirect, .callRef: .call
        case .brIf, .brOnNull, .brOnNonNull: .condition
        case .brOnCast, .brOnCastFail: .cast
        case .unreachable, .br, .brTable, .return, .returnCall, .returnCallIndirect,
            .returnCallRef, .throw, .throwRef:
            .leaves
        case .nop, .drop, .select, .selectTyped, .localGet, .localSet, .localTee, .globalGet,
            .globalSet, .tableGet, .tableSet, .tableSize, .tableGrow, .tableFill, .tableCopy,
            .tableInit, .elementDrop, .load, .store, .memorySize, .memoryGrow, .memoryFill,
            .memoryCopy, .memoryInit, .dataDrop, .refNull, .refFunc, .refIsNull, .refAsNonNull,
            .refEq, .refTest, .refCast, .structNew, .structGet, .structSet, .arrayNew,
            .arrayNewFixed, .arrayNewData, .arrayNewElement, .arrayGet, .arraySet, .arrayLength,
            .arrayFill, .arrayCopy, .arrayInitData, .arrayInitElement, .refI31, .i31Get,
            .anyConvertExtern, .externConvertAny, .i32Const, .i64Const, .f32Const, .f64Const,
            .unary, .binary, .test, .compare, .convert, .wide, .vectorConst, .vectorLoad,
            .vectorStore, .vectorLoadLane, .vectorStoreLane, .vectorShuffle, .vectorSplat,
            .vectorExtractLane, .vectorReplaceLane, .vectorNot, .vectorAnyTrue, .vectorBitwise,
            .vectorBitselect, .vectorAllTrue, .vectorBitmask, .vectorCompare, .vectorShift,
            .vectorUnary, .vectorBinary, .vectorTernary, .vectorConvert, .atomicNotify,
            .atomicWait, .atomicFence, .atomicLoad, .atomicStore, .atomicReadModifyWrite,
            .atomicCompareExchange:
            .straight
        }
    }
}
