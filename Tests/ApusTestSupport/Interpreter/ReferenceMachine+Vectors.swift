internal import ApusCollections
internal import ApusFormat

/// Vectors. Specification: 4.6.6 and, for their accesses, 4.6.4. Relaxed instructions do what the
/// specification calls deterministic.
extension ReferenceMachine {
    private static let model = VectorModel(
        isDeterministic: true, isFused: false, selectsByHighestBit: false)

    func executeVector(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let lane = Int(instruction.third)
        func memory() -> ReferenceMemory {
            store.memories[instance.memories[Int(instruction.second)]]
        }
        switch instruction.operation {
        case .vectorConst: push(ModelVector(low: instruction.first, high: instruction.second))
        case .vectorShuffle:
            let places = ModelVector(low: instruction.first, high: instruction.second)
            let second = popVector()
            let first = popVector()
            push(
                ModelVector(8) { index in
                    let place = Int(places[8, index])
                    return place < 16 ? first[8, place] : second[8, place - 16]
                })
        case .vectorLoad(let load): try execute(load, memory(), offset: instruction.first)
        case .vectorStore:
            let vector = popVector()
            let start = try place(16, in: memory(), offset: instruction.first)
            write(vector.low, 8, to: memory(), at: start)
            write(vector.high, 8, to: memory(), at: start + 8)
        case .vectorLoadLane(let width):
            var vector = popVector()
            let start = try place(width.byteCount, in: memory(), offset: instruction.first)
            vector[8 * width.byteCount, lane] = read(width.byteCount, from: memory(), at: start)
            push(vector)
        case .vectorStoreLane(let width):
            let bits = popVector()[8 * width.byteCount, lane]
            let start = try place(width.byteCount, in: memory(), offset: instruction.first)
            write(bits, width.byteCount, to: memory(), at: start)
        default:
            try executeLanes(instruction.operation, lane)
        }
    }

    private func execute(_ load: VectorLoad, _ memory: ReferenceMemory, offset: UInt64) throws {
        let byteCount: Int =
            switch load {
            case .full: 16
            case .splat8: 1
            case .splat16: 2
            case .splat32, .zero32: 4
            default: 8
            }
        let start = try place(byteCount, in: memory, offset: offset)
        let low = read(min(byteCount, 8), from: memory, at: start)
        let bytes = ModelVector(low: low)
        func extended(_ bits: Int, isSigned: Bool) -> ModelVector {
            ModelVector(bits) { index in
                isSigned
                    ? UInt64(bitPattern: bytes.signed(bits / 2, index)) : bytes[bits / 2, index]
            }
        }
        switch load {
        case .full: push(ModelVector(low: low, high: read(8, from: memory, at: start + 8)))
        case .splat8, .splat16, .splat32, .splat64: push(ModelVector(8 * byteCount) { _ in low })
        case .zero32, .zero64: push(bytes)
        case .extend8x8Signed: push(extended(16, isSigned: true))
        case .extend8x8Unsigned: push(extended(16, isSigned: false))
        case .extend16x4Signed: push(extended(32, isSigned: true))
        case .extend16x4Unsigned: push(extended(32, isSigned: false))
        case .extend32x2Signed: push(extended(64, isSigned: true))
        case .extend32x2Unsigned: push(extended(64, isSigned: false))
        }
    }

    private func executeLanes(_ operation: Operation, _ lane: Int) throws {
        switch operation {
        case .vectorSplat(let shape):
            let bits = pop()
            push(ModelVector(shape.bits) { _ in bits })
        case .vectorExtractLane(let shape, let widening):
            let vector = popVector()
            let signed = UInt64(bitPattern: vector.signed(shape.bits, lane)) & 0xFFFF_FFFF
            push(widening == .signed ? signed : vector[shape.bits, lane])
        case .vectorReplaceLane(let shape):
            let bits = pop()
            var vector = popVector()
            vector[shape.bits, lane] = bits
            push(vector)
        case .vectorAnyTrue: push(popVector() == ModelVector() ? 0 : 1)
        case .vectorAllTrue(let shape):
            let vector = popVector()
            let all = (0..<128 / shape.bits).allSatisfy { vector[shape.bits, $0] != 0 }
            push(all ? 1 : 0)
        case .vectorBitmask(let shape):
            let vector = popVector()
            let mask = (0..<128 / shape.bits).reduce(UInt64(0)) { mask, index in
                vector.signed(shape.bits, index) < 0 ? mask | 1 << UInt64(index) : mask
            }
            push(mask)
        case .vectorShift(let shape, let shift):
            let count = pop32()
            push(VectorModel.shifted(shape, shift, popVector(), by: count))
        default:
            try executeModel(operation)
        }
    }

    /// What takes one to three vectors and gives one.
    private func executeModel(_ operation: Operation) throws {
        let result: VectorModel.Result?
        switch operation {
        case .vectorNot, .vectorUnary, .vectorConvert:
            result = Self.model.result(operation, popVector())
        case .vectorBitselect, .vectorTernary:
            let third = popVector()
            let second = popVector()
            result = Self.model.result(operation, popVector(), second, third)
        default:
            let second = popVector()
            result = Self.model.result(operation, popVector(), second)
        }
        guard let result else { throw ReferenceUnsupported(what: "\(operation)", offset: 0) }
        push(result.vector)
    }
}

extension LaneWidth {
    var byteCount: Int { 1 << Int(rawValue) }
}
