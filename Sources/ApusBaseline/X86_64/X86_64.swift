internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusVectors

/// x86-64, as what lies outside this folder knows it.
extension BaselineCompiler: Target {
    @inline(__always)
    static var registers: RegisterPlan { .x86_64 }

    // MARK: Moves

    mutating func move(_ destination: PhysicalRegister, _ source: PhysicalRegister) {
        if destination.isVector {
            code.move(destination.vector, source.vector)
        } else {
            code.move(.w64, destination.general, source.general)
        }
    }

    mutating func exchange(_ first: PhysicalRegister, _ second: PhysicalRegister) {
        code.exchange(.w64, first.general, second.general)
    }

    mutating func load(_ operand: Operand, into register: PhysicalRegister) {
        if register.isVector {
            load(operand, into: register.vector)
        } else {
            load(operand, into: register.general)
        }
    }

    mutating func store(_ operand: Operand, inSlot position: Int) {
        store(operand, slotAddress(position))
    }

    mutating func loadHome(_ home: LocalHome, _ local: UInt32) {
        if home.type.isInVector {
            loadVectorRegister(home.type, home.float, localAddress(Int(local)))
        } else {
            code.load(home.type.width, home.general, localAddress(Int(local)))
        }
    }

    mutating func storeHome(_ home: LocalHome, _ local: UInt32) {
        if home.type.isInVector {
            storeVectorRegister(home.type, localAddress(Int(local)), home.float)
        } else {
            code.store(home.type.width, localAddress(Int(local)), home.general)
        }
    }

    /// Before the first instruction of a batch.
    mutating func chooseEncodings() {
        code.useAVX = vectorOptions.contains(.avx)
        code.useAVX512 = vectorOptions.contains(.avx512)
    }

    // MARK: Now and then

    mutating func payFuel(_ cost: Int32, isChecked: Bool) {
        let isTooLittle = code.payFuel(cost)
        if isChecked { trap(.outOfFuel, if: isTooLittle) }
    }

    mutating func increment(_ counter: UInt32) {
        relocations.append(
            CodeRelocation(
                counter: counter, codeOffset: code.incrementRelative(.w64) &- functionStart,
                function: UInt32(truncatingIfNeeded: functionIndex)))
    }

    mutating func emitPoll() {
        let isAsked = code.compareRequests()
        trap(.interrupted, if: isAsked)
    }
}

extension VectorOptions {
    /// What `processor` has a use for.
    init(_ processor: ProcessorFeatures, isDeterministic: Bool) {
        self.init(
            avx: processor.contains(.avx), avx2: processor.contains(.avx2),
            fma: processor.contains(.fma), avx512: processor.contains(.avx512),
            isDeterministic: isDeterministic)
    }
}
