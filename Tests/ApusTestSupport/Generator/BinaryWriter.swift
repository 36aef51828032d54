internal import ApusCollections
internal import ApusFormat

/// Bytes of a module in the making. Specification: 5 “Binary Format”.
///
/// Knows nothing of the format's own encoder, so that each checks the other.
struct BinaryWriter {
    private(set) var bytes: [UInt8] = []
    /// How many structures and arrays the module has: their types come before all others.
    let aggregateCount: Int

    init(aggregateCount: Int = 0) { self.aggregateCount = aggregateCount }

    /// The type index of the type that a shape knows as `number`.
    func typeIndex(_ number: Int) -> Int {
        number < ModuleShape.aggregateStart
            ? number + aggregateCount : number - ModuleShape.aggregateStart
    }

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    mutating func raw(_ more: [UInt8]) { bytes += more }

    mutating func unsigned(_ value: Int) { unsigned(UInt64(value)) }

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func signed(_ value: Int64) {
        var rest = value
        while rest < -64 || rest > 63 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7F)
    }

    mutating func word(_ value: UInt64, byteCount: Int) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    mutating func name(_ text: String) {
        unsigned(text.utf8.count)
        bytes += text.utf8
    }

    mutating func type(_ type: ValueType) {
        switch type {
        case .funcref: byte(0x70)
        case .externref: byte(0x6F)
        default:
            byte(UInt8(truncatingIfNeeded: type.bits))
            if type.isReference { heapType(type.heapType) }
        }
    }

    mutating func heapType(_ type: HeapType) {
        if let index = type.typeIndex {
            signed(Int64(typeIndex(Int(index))))
        } else {
            byte(UInt8(truncatingIfNeeded: type.bits))
        }
    }

    mutating func subType(_ type: SubType) {
        if !type.isFinal || type.supertype != nil {
            byte(type.isFinal ? 0x4F : 0x50)
            unsigned(type.supertype == nil ? 0 : 1)
            if let supertype = type.supertype { unsigned(typeIndex(Int(supertype))) }
        }
        switch type.composite {
        case .function(let function):
            byte(0x60)
            types(function.parameters)
            types(function.results)
        case .structure(let fields):
            byte(0x5F)
            unsigned(fields.count)
            for field in fields { self.field(field) }
        case .array(let element):
            byte(0x5E)
            field(element)
        }
    }

    private mutating func field(_ field: FieldType) {
        type(field.storage)
        byte(field.isMutable ? 1 : 0)
    }

    mutating func types(_ types: [ValueType]) {
        unsigned(types.count)
        for each in types { type(each) }
    }

    /// Limits with flags besides that of the maximum.
    private mutating func limits(_ limits: SizeLimits, flags: UInt8) {
        byte(flags | (limits.maximum == nil ? 0 : 1))
        unsigned(limits.minimum)
        if let maximum = limits.maximum { unsigned(maximum) }
    }

    mutating func memoryType(_ memory: MemoryType) {
        let hasPageSize = memory.pageSizeLog2 != 16
        limits(
            memory.limits,
            flags: (memory.isShared ? 2 : 0) | (memory.is64 ? 4 : 0) | (hasPageSize ? 8 : 0))
        if hasPageSize { byte(memory.pageSizeLog2) }
    }

    mutating func tableType(_ table: TableType) {
        type(table.element)
        limits(table.limits, flags: table.is64 ? 4 : 0)
    }

    /// A constant of an address type.
    mutating func address(_ value: Int, is64: Bool) {
        byte(is64 ? 0x42 : 0x41)
        signed(is64 ? Int64(value) : Int64(Int32(truncatingIfNeeded: value)))
    }

    /// A constant of a number type, or null.
    mutating func constant(_ type: ValueType, _ bits: UInt64) {
        switch type {
        case .i32:
            byte(0x41)
            signed(Int64(Int32(truncatingIfNeeded: bits)))
        case .i64:
            byte(0x42)
            signed(Int64(bitPattern: bits))
        case .f32:
            byte(0x43)
            word(bits, byteCount: 4)
        case .f64:
            byte(0x44)
            word(bits, byteCount: 8)
        default:
            byte(0xD0)
            heapType(type.heapType)
        }
    }

    mutating func constant(_ vector: ModelVector) {
        raw([0xFD, 12])

        word(vector.low, byteCount: 8)
        word(vector.high, byteCount: 8)
    }

    mutating func globalGet(_ global: Int) {
        byte(0x23)
        unsigned(global)
    }

    /// A tag, whose type has the index `type`.
    mutating func tag(_ type: Int) {
        byte(0)
        unsigned(typeIndex(type))
    }

    mutating func globalType(_ global: GlobalType) {
        type(global.value)
        byte(global.isMutable ? 1 : 0)
    }

    /// A section that holds a list, if the list is not empty.
    mutating func section<Item>(
        _ identifier: UInt8, _ items: [Item], _ write: (inout BinaryWriter, Item) -> Void
    ) {
        guard !items.isEmpty else { return }
        var contents = BinaryWriter(aggregateCount: aggregateCount)
        contents.unsigned(items.count)
        for item in items { write(&contents, item) }
        section(identifier, contents)
    }

    mutating func section(_ identifier: UInt8, _ contents: BinaryWriter) {
        byte(identifier)
        unsigned(contents.bytes.count)
        raw(contents.bytes)
    }
}
