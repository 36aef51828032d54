import ApusCollections
import ApusFormat
import Testing

@Suite struct InstructionReaderTests {
    @Test(
        arguments: [
            0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 1 << 20, -(1 << 27),
            Int64(Int32.max), Int64(Int32.min), .max, .min,
        ] as [Int64])
    func signedNumbers(value: Int64) {
        var encoder = InstructionEncoder()
        encoder.i64(value)
        encoder.emit(.end)
        let storage = ByteStorage(encoder.bytes)
        var reader = InstructionReader(storage, from: 0, to: storage.count)
        #expect(reader.next() == .i64Const)
        #expect(reader.readSigned64() == value)
        #expect(reader.next() == .end)
        if let small = Int32(exactly: value) {
            reader.move(from: 1, to: storage.count)
            #expect(reader.readSigned32() == small)
        }
    }

    @Test(arguments: [0, 127, 128, 16_383, 16_384, 1 << 28, .max] as [UInt32])
    func memoryArguments(offset: UInt32) {
        let argument = MemoryArgument(alignment: 3, offset: UInt64(offset))
        var encoder = InstructionEncoder()
        encoder.emit(.load(.f64, .full), argument)
        encoder.emit(.nop)
        let storage = ByteStorage(encoder.bytes)
        var reader = InstructionReader(storage, from: 0, to: storage.count)
        #expect(reader.next() == .load(.f64, .full))
        #expect(reader.readMemoryArgument() == argument)
        #expect(reader.next() == .nop)
    }

    @Test func blockTypes() {
        let types: [BlockType] = [
            .empty, .result(.i32), .result(.v128), .result(.funcref), .result(.externref),
            .type(0), .type(63), .type(64), .type(999_999),
        ]
        for type in types {
            var encoder = InstructionEncoder()
            encoder.emit(.loop, type)
            let storage = ByteStorage(encoder.bytes)
            var reader = InstructionReader(storage, from: 0, to: storage.count)
            #expect(reader.next() == .loop)
            #expect(reader.readBlockType() == type)
            #expect(reader.position == storage.count)
        }
        #expect(BlockType.type(7).typeIndex == 7)
        #expect(BlockType.type(7).singleResult == nil)
        #expect(BlockType.result(.externref).singleResult == .externref)
        #expect(BlockType.empty.singleResult == nil && BlockType.empty.typeIndex == nil)
    }

    /// Every operation that has a row is read again from the bytes that encode it.
    @Test func everyInstructionIsRead() {
        for prefix in Opcodes.prefixes {
            for code in 0..<Opcodes.count(prefix: prefix) {
                guard let row = Opcodes.opcode(prefix: prefix, code: code) else { continue }
                var bytes: [UInt8] = prefix == 0 ? [] : [prefix]
                if prefix != 0, code >= 0x80 {
                    bytes += [UInt8(code & 0x7F) | 0x80, UInt8(code >> 7)]
                } else {
                    bytes.append(UInt8(code))
                }
                let storage = ByteStorage(bytes)
                var reader = InstructionReader(storage, from: 0, to: storage.count)
                #expect(reader.next() == row.operation, "\(row.name)")
                #expect(reader.position == storage.count, "\(row.name)")
            }
        }
    }

    @Test func beyondTheEndThereIsOnlyEnd() {
        let storage = ByteStorage([0x20, 0xFF])
        var reader = InstructionReader(storage, from: 0, to: 2)
        #expect(reader.next() == .localGet)
        _ = reader.readIndex()
        for _ in 0..<3 { #expect(reader.next() == .end) }
        reader.position = .max - 8
        #expect(reader.peekByte() == 0)
        _ = reader.readFloat64Bits()
        reader.position = -5
        #expect(reader.peekByte() == 0)
        #expect(reader.readFloat32Bits() == 0)
    }
}
