internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// One case per shape of instruction: who translates it.
extension FunctionTranslator {
    mutating func translate(_ operation: Operation, _ analysis: borrowing BodyAnalysis) {
        switch operation {
        case .unreachable: endWithTrap(.unreachable)
        case .nop: break
        case .block: translateBlock()
        case .loop: translateLoop(analysis)
        case .if: translateIf(analysis)
        case .else: translateElse(analysis)
        case .end: translateEnd(analysis)
        case .br: translateBr()
        case .brIf: translateBrIf()
        case .brTable: translateBrTable()
        case .brOnNull: translateBrOnNull()
        case .brOnNonNull: translateBrOnNonNull()
        case .return: translateReturn()
        case .call: translateCall()
        case .callIndirect: translateCallIndirect()
        case .callRef: translateCallRef()
        case .throw: translateThrow()
        case .throwRef: raise(pop())
        case .tryTable: translateTryTable()
        case .returnCall: translateReturnCall()
        case .returnCallIndirect: translateReturnCallIndirect()
        case .returnCallRef: translateReturnCallRef()

        case .drop: _ = pop()
        case .select: translateSelect()
        case .selectTyped:
            for _ in 0..<reader.readIndex() { _ = reader.readValueType() }
            translateSelect()

        case .localGet: push(locals[localBase &+ Int(reader.readIndex())])
        case .localSet:
            let local = localBase &+ Int(reader.readIndex())
            setLocal(local, pop())
        case .localTee: setLocal(localBase &+ Int(reader.readIndex()), stack.last)
        case .globalGet: translateGlobalGet()
        case .globalSet: translateGlobalSet()

        case .tableGet: translateTableGet()
        case .tableSet: translateTableSet()
        case .tableSize: translateTableSize()
        case .tableGrow: translateTableGrow()
        case .tableFill: translateTableFill()
        case .tableCopy: translateTableCopy()
        case .tableInit: translateTableInit()
        case .elementDrop: translateElementDrop()

        case .load(let type, let width): translateLoad(type, width)
        case .store(let type, let width): translateStore(type, width)
        case .memorySize: translateMemorySize()
        case .memoryGrow: translateMemoryGrow()
        case .memoryFill: translateMemoryFill()
        case .memoryCopy: translateMemoryCopy()
        case .memoryInit: translateMemoryInit()
        case .dataDrop: translateDataDrop()

        case .refNull: translateRefNull()
        case .refFunc: translateRefFunc()
        case .refIsNull: translateRefIsNull()
        case .refAsNonNull: translateRefAsNonNull()
        case .refEq: translateRefEq()
        case .refTest(let nullable): translateRefTest(nullable: nullable)
        case .refCast(let nullable): translateRefCast(nullable: nullable)
        case .brOnCast: translateBrOnCast(onFailure: false)
        case .brOnCastFail: translateBrOnCast(onFailure: true)
        case .refI31: translateRefI31()
        case .i31Get(let sign): translateI31Get(sign)
        // The same reference, whatever its type is called.
        case .anyConvertExtern, .externConvertAny: break

        case .structNew(let initializer): translateStructNew(initializer)
        case .structGet(let sign): translateStructGet(sign)
        case .structSet: translateStructSet()
        case .arrayNew(let initializer): translateArrayNew(initializer)
        case .arrayNewFixed: translateArrayNewFixed()
        case .arrayNewData: translateArrayNewData()
        case .arrayNewElement: translateArrayNewElement()
        case .arrayGet(let sign): translateArrayGet(sign)
        case .arraySet: translateArraySet()
        case .arrayLength: translateArrayLength()
        case .arrayFill: translateArrayFill()
        case .arrayCopy: translateArrayCopy()
        case .arrayInitData: translateArrayInitData()
        case .arrayInitElement: translateArrayInitElement()

        case .i32Const:
            push(builder.constant(.i32, UInt64(UInt32(bitPattern: reader.readSigned32()))))
        case .i64Const:
            push(builder.constant(.i64, UInt64(bitPattern: reader.readSigned64())))
        case .f32Const: push(builder.constant(.f32, UInt64(reader.readFloat32Bits())))
        case .f64Const: push(builder.constant(.f64, reader.readFloat64Bits()))
        case .unary(let type, let unary): translateUnary(IRType(type), unary)
        case .binary(let type, let binary): translateBinary(IRType(type), binary)
        case .test(let type): translateTest(IRType(type))
        case .compare(let type, let comparison): translateCompare(type, comparison)
        case .convert(let conversion): translateConversion(conversion)
        case .wide(let wide): translateWide(wide)

        case .vectorConst: translateVectorConst()
        case .vectorLoad(let load): translateVectorLoad(load)
        case .vectorStore: translateVectorStore()
        case .vectorLoadLane(let lane): translateLane(.loadLane, lane)
        case .vectorStoreLane(let lane): translateLane(.storeLane, lane)
        case .vectorShuffle: translateShuffle()
        case .vectorExtractLane(let shape, _): translateExtractLane(shape)
        case .vectorReplaceLane: translateReplaceLane()
        case .vectorSplat, .vectorNot, .vectorAnyTrue, .vectorAllTrue, .vectorBitmask,
            .vectorBitwise, .vectorBitselect, .vectorCompare, .vectorShift, .vectorUnary,
            .vectorBinary, .vectorTernary, .vectorConvert:
            translateLanes(operation)

        case .atomicNotify: translateAtomicNotify()
        case .atomicWait(let type): translateAtomicWait(type)
        case .atomicFence:
            _ = reader.readByte()
            builder.fence()
        case .atomicLoad(let type, let width): translateAtomicLoad(type, width)
        case .atomicStore(let type, let width): translateAtomicStore(type, width)
        case .atomicReadModifyWrite(let type, let width, let update):
            translateAtomicUpdate(type, width, update)
        case .atomicCompareExchange(let type, let width):
            translateAtomicCompareExchange(type, width)
        }
    }
}
