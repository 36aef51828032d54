public import ApusCollections

extension InstructionReader {
    /// A reader of the code of a valid function, whose body, local declarations included, starts
    /// at `start`.
    public init(_ storage: ByteStorage, body: FunctionBody) {
        self.init(storage, from: Int(body.start), to: Int(body.end))
        for _ in 0..<readIndex() {
            _ = readIndex()
            _ = readValueType()
        }
    }

    /// Goes past the immediates of an instruction whose opcode has been read. The code must have
    /// been validated.
    public mutating func skipImmediates(of operation: Operation) {
        switch operation.immediates {
        case .none: break
        case .blockType: _ = readBlockType()
        case .label, .function, .type, .local, .global, .table, .element, .memory, .data, .tag:
            _ = readIndex()
        case .labelTable:
            for _ in 0..<readIndex() { _ = readIndex() }
            _ = readIndex()
        case .typeAndTable, .tableAndTable, .elementAndTable, .memoryAndMemory, .dataAndMemory,
            .typeAndField, .typeAndCount, .typeAndData, .typeAndElement, .typeAndType:
            _ = readIndex()
            _ = readIndex()
        case .valueTypes: for _ in 0..<readIndex() { _ = readValueType() }
        case .memoryArgument: _ = readMemoryArgument()
        case .memoryArgumentAndLane:
            _ = readMemoryArgument()
            _ = readByte()
        case .lane, .zeroByte: _ = readByte()
        case .bytes16: position &+= 16
        case .i32: _ = readSigned32()
        case .i64: _ = readSigned64()
        case .f32: position &+= 4
        case .f64: position &+= 8
        case .heapType: _ = readHeapType()
        case .castBranch:
            _ = readByte()
            _ = readIndex()
            _ = readHeapType()
            _ = readHeapType()
        case .catchTable:
            _ = readBlockType()
            for _ in 0..<readIndex() {
                if readByte() < 2 { _ = readIndex() }
                _ = readIndex()
            }
        }
    }
}
