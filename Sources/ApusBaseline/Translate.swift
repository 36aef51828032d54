internal import ApusCollections
internal import ApusFormat

/// One case per shape of instruction: who translates it.
extension BaselineCompiler {
    mutating func translate(_ operation: Operation, _ analysis: borrowing BodyAnalysis) {
        switch operation {
        case .unreachable: translateUnreachable()
        case .nop: break
        case .block: translateBlock()
        case .loop: translateLoop(analysis)
        case .if: translateIf(analysis)
        case .else: translateElse(analysis)
        case .end: translateEnd()
        case .br: translateBr()
        case .brIf: translateBrIf(analysis)
        case .brTable: translateBrTable()
        case .return: translateReturn()
        case .call: translateCall()
        case .callIndirect: translateCallIndirect()
        case .callRef: translateCallRef()
        case .brOnNull: translateBrOnNull()
        case .brOnNonNull: translateBrOnNonNull()
        case .refAsNonNull: translateRefAsNonNull()
        case .returnCall: translateReturnCall()
        case .returnCallIndirect: translateReturnCallIndirect()
        case .returnCallRef: translateReturnCallRef()
        case .throw: translateThrow()
        case .throwRef: translateThrowRef()
        case .tryTable: translateTryTable()

        case .drop: discard(pop())
        case .select: translateSelect()
        case .selectTyped: translateSelectTyped()

        case .localGet: translateLocalGet()
        case .localSet: translateLocalSet()
        case .localTee: translateLocalTee()
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
        case .refIsNull: translateRefIsNull(analysis)
        case .refEq: translateIntegerCompare(.reference, .equal, analysis)
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
            push(.constant(.i32, UInt64(UInt32(bitPattern: reader.readSigned32()))))
        case .i64Const: push(.constant(.i64, UInt64(bitPattern: reader.readSigned64())))
        case .f32Const: push(.constant(.f32, UInt64(reader.readFloat32Bits())))
        case .f64Const: push(.constant(.f64, reader.readFloat64Bits()))
        case .unary(let type, let unary):
            if type.isInteger {
                translateIntegerUnary(ValueClass(type), unary)
            } else {
                translateFloatUnary(ValueClass(type), unary)
            }
        case .binary(let type, let binary):
            if type.isInteger {
                translateIntegerBinary(ValueClass(type), binary)
            } else {
                translateFloatBinary(ValueClass(type), binary)
            }
        case .test(let type): translateTest(ValueClass(type), analysis)
        case .compare(let type, let comparison):
            if type.isInteger {
                translateIntegerCompare(ValueClass(type), comparison, analysis)
            } else {
                translateFloatCompare(ValueClass(type), comparison, analysis)
            }
        case .convert(let conversion): translateConversion(conversion)
        case .wide(let wide): translateWide(wide)

        case .vectorConst: translateVectorConst()
        case .vectorLoad(let load): translateVectorLoad(load)
        case .vectorStore: translateVectorStore()
        case .vectorLoadLane(let lane): translateVectorLoadLane(lane)
        case .vectorStoreLane(let lane): translateVectorStoreLane(lane)
        case .vectorShuffle: translateShuffle()
        case .vectorSplat(let shape): translateVectorSplat(shape)
        case .vectorExtractLane(let shape, let sign): translateExtractLane(shape, sign)
        case .vectorReplaceLane(let shape): translateReplaceLane(shape)
        case .vectorAnyTrue: translateAnyTrue(analysis)
        case .vectorAllTrue(let shape): translateAllTrue(shape, analysis)
        case .vectorBitmask(let shape): translateBitmask(shape)
        case .vectorShift(let shape, let shift): translateVectorShift(shape, shift)
        case .vectorNot, .vectorBitwise, .vectorBitselect, .vectorCompare, .vectorUnary,
            .vectorBinary, .vectorTernary, .vectorConvert:
            translateVector(operation)

        case .atomicNotify: translateAtomicNotify()
        case .atomicWait(let type): translateAtomicWait(type)
        case .atomicFence: translateFence()
        case .atomicLoad(let type, let width): translateAtomicLoad(type, width)
        case .atomicStore(let type, let width): translateAtomicStore(type, width)
        case .atomicReadModifyWrite(let type, let width, let update):
            translateAtomicUpdate(type, width, update)
        case .atomicCompareExchange(let type, let width):
            translateAtomicCompareExchange(type, width)
        }
    }
}
