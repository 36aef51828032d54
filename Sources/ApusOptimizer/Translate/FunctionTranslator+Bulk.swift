internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Bulk operations on memories (4.6.5). Short ones of a length that is known are written out.
extension FunctionTranslator {
    /// Of what is written out, in bytes: half of the vector registers hold it.
    static var writtenOutLimit: UInt64 { 128 }

    mutating func translateMemoryFill() {
        let memory = reader.readIndex()
        if isOnNothing() {
            if checkStart(stack.count &- 3, memory) { stack.truncate(to: stack.count &- 3) }
            return
        }
        if let count = writtenOutCount(), let address = bulkAddress(stack.count &- 3, memory, count)
        {
            let value = stack[stack.count &- 2]
            stack.truncate(to: stack.count &- 3)
            return fill(address, with: value, count)
        }
        if !isReachable { return }
        callRuntime(
            .memoryFill, [layout.memoryPlace(Int(memory))], operands: 3,
            changing: [.init(.memory)])
    }

    mutating func translateMemoryCopy() {
        let destination = reader.readIndex()
        let source = reader.readIndex()
        if isOnNothing() {
            if checkStart(stack.count &- 3, destination), checkStart(stack.count &- 2, source) {
                stack.truncate(to: stack.count &- 3)
            }
            return
        }
        if let count = writtenOutCount(),
            let to = bulkAddress(stack.count &- 3, destination, count),
            let from = bulkAddress(stack.count &- 2, source, count)
        {
            stack.truncate(to: stack.count &- 3)
            return copy(to, from, count)
        }
        if !isReachable { return }
        let places = (
            layout.memoryPlace(Int(destination)), layout.memoryPlace(Int(source))
        )
        callRuntime(
            .memoryCopy, [places.0, places.1], operands: 3, changing: [.init(.memory)])
    }

    mutating func translateMemoryInit() {
        let segment = reader.readIndex()
        let memory = reader.readIndex()
        if isOnNothing() {
            if address(inSegment: Int(segment), 0) != nil, checkStart(stack.count &- 3, memory) {
                stack.truncate(to: stack.count &- 3)
            }
            return
        }
        if let count = writtenOutCount(), layout.hasRecord(ofData: Int(segment)),
            let to = bulkAddress(stack.count &- 3, memory, count)
        {
            guard let from = address(inSegment: Int(segment), count) else { return }
            stack.truncate(to: stack.count &- 3)
            return copy(to, from, count)
        }
        if !isReachable { return }
        callRuntime(
            .memoryCopy,
            [layout.memoryPlace(Int(memory)), layout.dataPlace(Int(segment))], operands: 3,
            changing: [.init(.memory)])
    }

    mutating func translateDataDrop() {
        callRuntime(.dataDrop, [reader.readIndex()], operands: 0, changing: [.init(.tableRecord)])
    }

    // MARK: What is written out

    /// The length on top of the stack, if the operation is to be written out.
    private mutating func writtenOutCount() -> UInt64? {
        // The runtime takes the fuel for what it does.
        guard !isFuelMetered, let count = builder.constant(stack.last), count > 0,
            count <= Self.writtenOutLimit
        else { return nil }
        return count
    }

    /// Whether the operation is one on nothing at all.
    private mutating func isOnNothing() -> Bool {
        !isFuelMetered && builder.constant(stack.last) == 0
    }

    /// Of an operation on no bytes only an address beyond the end of the memory traps, the one at
    /// `operand` of the stack; false if it always does.
    private mutating func checkStart(_ operand: Int, _ memory: UInt32) -> Bool {
        let size = size(of: Int(memory))
        let isBeyond = builder.value(
            ApusIR.Instruction(
                .compare, .i32, wide(stack[operand]), size,
                immediate: IntegerCondition.greaterUnsigned.rawValue))
        return trap(.memoryOutOfBounds, if: isBeyond)
    }

    /// Where the `count` bytes are whose address is at `operand` of the stack. Nil if they cannot
    /// be named with room for what is added, or if the operation always traps: then the block is
    /// at its end.
    private mutating func bulkAddress(
        _ operand: Int, _ memory: UInt32, _ count: UInt64
    ) -> MemoryAddress? {
        let argument = MemoryArgument(alignment: 0, memory: memory)
        guard let address = memoryAddress(stack[operand], argument, bytes: count),
            address.displacement <= Int32.max &- Int32(Self.writtenOutLimit)
        else { return nil }
        return address
    }

    /// Where the `count` bytes of a data segment are whose position is below the length on the
    /// stack. Nil if they never are: then the block is at its end.
    mutating func address(inSegment segment: Int, _ count: UInt64) -> MemoryAddress? {
        address(
            inSegment: segment, wide(stack[stack.count &- 2]), builder.constant(.i64, count))
    }

    /// Where the `count` bytes of a data segment at `position`, both 64 bits, are. Nil if they
    /// never are: then the block is at its end.
    mutating func address(
        inSegment segment: Int, _ position: Value, _ count: Value
    ) -> MemoryAddress? {
        let isOwn = layout.hasRecord(ofData: segment)
        return address(
            inRecord: isOwn ? layout.dataSegment(segment) : nil, position, count,
            trap: .memoryOutOfBounds)
    }

    /// Where the `count` bytes or elements at `position` are of the segment whose record is at
    /// `record` of the context, as if each was a byte; without one there are none. Nil if they
    /// never are: then the block is at its end.
    mutating func address(
        inRecord record: Int32?, _ position: Value, _ count: Value, trap code: TrapCode
    ) -> MemoryAddress? {
        // It may have been dropped.
        let size =
            record.map {
                builder.load(
                    .i64, MemoryAccess(.full, .tableRecord), builder.context(), .none, $0 &+ 8)
            } ?? builder.constant(.i64, 0)
        let end = builder.value(ApusIR.Instruction(.add, .i64, position, count))
        let isOutside = builder.value(
            ApusIR.Instruction(
                .compare, .i32, end, size,
                immediate: IntegerCondition.greaterUnsigned.rawValue))
        guard trap(code, if: isOutside) else { return nil }
        let base =
            record.map { builder.load(.i64, contextLoad(), builder.context(), .none, $0) }
            ?? builder.constant(.i64, 0)
        return MemoryAddress(base: base, index: position, displacement: 0)
    }

    /// Copies `count` bytes of what `from` names to where `to` names.
    mutating func copy(
        _ to: MemoryAddress, _ from: MemoryAddress, _ count: UInt64,
        _ kinds: (to: AliasClass, from: AliasClass) = (.memory, .memory)
    ) {
        // All is read before anything is written: the ranges may overlap, and may trap.
        let first = carriedValues.count
        forEachPiece(of: count) { translator, piece in
            let value = translator.builder.load(
                piece.type, Self.access(piece.width, kinds.from), from.base, from.index,
                from.displacement &+ piece.offset)
            translator.carriedValues.append(value)
        }
        if kinds.to == .memory { probe(to, count) }
        var next = first
        forEachPiece(of: count) { translator, piece in
            translator.store(translator.carriedValues[next], to, piece, kinds.to)
            next &+= 1
        }
        carriedValues.truncate(to: first)
    }

    private mutating func fill(_ to: MemoryAddress, with value: Value, _ count: UInt64) {
        let eight = repeated(value, bytes: 1)
        probe(to, count)
        fill(to, withLongs: eight, count, .memory)
    }

    /// The lowest 1, 2 or 4 bytes of an i32, as often as they go into 64 bits.
    mutating func repeated(_ value: Value, bytes: UInt64) -> Value {
        var number = value
        if bytes < 4 {
            let mask = builder.constant(.i32, UInt64(1) &<< (8 &* bytes) &- 1)
            number = builder.value(ApusIR.Instruction(.and, .i32, value, mask))
        }
        let ones = UInt64.max / (UInt64(1) &<< (8 &* bytes) &- 1)
        return builder.value(
            ApusIR.Instruction(.multiply, .i64, wide(number), builder.constant(.i64, ones)))
    }

    /// Writes an i64 to `count` bytes, over and over, the last time perhaps not all of it.
    mutating func fill(
        _ to: MemoryAddress, withLongs eight: Value, _ count: UInt64, _ kind: AliasClass
    ) {
        let four = builder.value(ApusIR.Instruction(.wrap, .i32, eight))
        var sixteen = Value.none
        if count >= 16 { sixteen = splat(eight) }
        forEachPiece(of: count) { translator, piece in
            let value =
                switch piece.type {
                case .v128: sixteen
                case .i64: eight
                default: four
                }
            translator.store(value, to, piece, kind)
        }
    }

    /// Both halves of a vector of a number.
    private mutating func splat(_ value: Value) -> Value {
        if let bits = builder.constant(value) {
            return builder.constant(VectorBits(low: bits, high: bits))
        }
        let splatOfLongs: UInt16 = 0x12
        return builder.value(
            ApusIR.Instruction(.vectorUnary, .v128, value, immediate: splatOfLongs))
    }

    /// Traps unless all `count` bytes can be written, before the first of several stores.
    private mutating func probe(_ to: MemoryAddress, _ count: UInt64) {
        if count.nonzeroBitCount == 1, count <= 16 { return }
        _ = builder.load(
            .i32, Self.access(.unsigned8), to.base, to.index,
            to.displacement &+ Int32(truncatingIfNeeded: count &- 1))
    }

    private mutating func store(
        _ value: Value, _ to: MemoryAddress, _ piece: BulkPiece, _ kind: AliasClass
    ) {
        builder.store(
            value, Self.access(piece.width, kind), to.base, to.index,
            to.displacement &+ piece.offset)
    }

    /// How a piece is accessed. What does not belong to a memory is there.
    static func access(_ width: AccessWidth, _ kind: AliasClass) -> MemoryAccess {
        kind == .memory ? access(width) : MemoryAccess(width, kind)
    }

    /// Calls `body` with pieces that cover `count` bytes; the last one may overlap.
    private mutating func forEachPiece(
        of count: UInt64, _ body: (inout FunctionTranslator, BulkPiece) -> Void
    ) {
        let count = Int32(truncatingIfNeeded: count)
        let bytes = BulkPiece.largest(within: count)
        var offset: Int32 = 0
        while offset < count {
            let rest = count &- offset
            let start = rest < bytes ? count &- bytes : offset
            body(&self, BulkPiece(bytes: bytes, offset: start))
            offset = start &+ bytes
        }
    }
}

/// A part of what is copied or filled that one instruction moves.
struct BulkPiece: BitwiseCopyable {
    var type: IRType
    var width: AccessWidth
    var offset: Int32

    /// Of a power of two of bytes, up to 16.
    init(bytes: Int32, offset: Int32) {
        self.offset = offset
        (type, width) =
            switch bytes {
            case 1: (.i32, .unsigned8)
            case 2: (.i32, .unsigned16)
            case 4: (.i32, .full)
            case 8: (.i64, .full)
            default: (.v128, .full)
            }
    }

    /// The largest power of two that is not above `count`, nor above 16.
    static func largest(within count: Int32) -> Int32 {
        if count >= 16 { return 16 }
        return 1 &<< (31 &- Int32(truncatingIfNeeded: count.leadingZeroBitCount))
    }
}
