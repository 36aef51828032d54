internal import ApusCollections
internal import ApusFormat

/// What instructions cost in metered engines, counted one by one.
extension ReferenceMachine {
    func pay(for instruction: ReferenceCode.Instruction) {
        switch instruction.operation {
        case .nop, .block, .loop, .else, .end: break
        case .tryTable:
            let clauses = frames[frames.count - 1].code.clauses
            store.spentFuel += 1 + clauses[Int(instruction.first)].count
        default: store.spentFuel += 1
        }
    }

    /// What a bulk instruction costs for its size, if it succeeds. Its count is on top of the
    /// stack.
    func sizeCost(_ instruction: ReferenceCode.Instruction) -> Int {
        let count = stack.last?.low ?? 0
        switch instruction.operation {
        case .memoryFill, .memoryCopy, .memoryInit: return Int(count / 64)
        case .tableFill, .tableCopy, .tableInit, .tableGrow: return Int(count / 8)
        case .arrayNew, .arrayNewData, .arrayNewElement, .arrayFill, .arrayCopy, .arrayInitData,
            .arrayInitElement:
            let instance = frames[frames.count - 1].instance
            let type = instance.types.numbers[Int(truncatingIfNeeded: instruction.first)]
            return store.fuel(arrayOf: store.fields(type)[0], Int(count & 0xFFFF_FFFF))
        case .structNew(.defaults):
            let instance = frames[frames.count - 1].instance
            let type = instance.types.numbers[Int(truncatingIfNeeded: instruction.first)]
            return store.fuel(structure: store.fields(type))
        default: return 0
        }
    }
}

/// What objects cost for their size, in code and in constant expressions.
extension ReferenceStore {
    func fuel(arrayOf element: FieldType, _ count: Int) -> Int {
        count * bytes(of: element.storage) / 64
    }

    /// One of zeros.
    func fuel(structure fields: [FieldType]) -> Int {
        // Fields lie behind a word, at multiples of their size, and objects end at granules.
        let end = fields.reduce(8) { end, field in
            let size = bytes(of: field.storage)
            let alignment = min(size, 8)
            return (end + alignment - 1) / alignment * alignment + size
        }
        let size = (end + 15) / 16 * 16
        return size > 256 ? size / 64 : 0
    }

    /// How many bytes an element of an array takes.
    private func bytes(of type: ValueType) -> Int {
        switch type {
        case .i8: 1
        case .i16: 2
        case .i32, .f32: 4
        case .v128: 16
        default: 8
        }
    }
}
