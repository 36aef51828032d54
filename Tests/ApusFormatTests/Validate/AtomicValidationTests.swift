import ApusCollections
import ApusFormat
import Testing

/// Atomic accesses and shared memories.
@Suite struct AtomicValidationTests {
    private static let operations: [Operation] = (0..<Opcodes.count(prefix: 0xFE)).compactMap {
        Opcodes.opcode(prefix: 0xFE, code: $0)?.operation
    }

    /// Code that calls `operation` with operands of the right types and drops the result.
    private static func emit(
        _ operation: Operation, alignment: UInt32? = nil, to code: inout InstructionEncoder
    ) {
        if operation == .atomicFence { return code.emit(operation) }
        guard let signature = operation.fixedSignature else { return }
        for type in [signature.first, signature.second, signature.third][..<Int(signature.count)] {
            if type == 0x7E { code.i64(0) } else { code.i32(0) }
        }
        code.emit(
            operation,
            MemoryArgument(alignment: alignment ?? UInt32(operation.naturalAlignment)))
        if signature.result != 0 { code.emit(.drop) }
    }

    @Test(arguments: operations)
    func areValidWithTheirOwnAlignment(operation: ApusFormat.Operation) throws {
        #expect(try ValidationFixture.error { Self.emit(operation, to: &$0) } == nil)
        if operation == .atomicFence { return }
        let natural = UInt32(operation.naturalAlignment)
        for alignment in UInt32(0)...4 where alignment != natural {
            let found = try ValidationFixture.error {
                Self.emit(operation, alignment: alignment, to: &$0)
            }
            let message =
                alignment > natural
                ? "alignment must not be larger than natural" : "atomic alignment must be natural"
            #expect(found?.error.message == message)
            #expect(found?.error.kind == .invalid)
        }
    }

    @Test(arguments: operations)
    func areRefusedByTheFeaturesName(operation: ApusFormat.Operation) throws {
        let module = try ValidationFixture.module { Self.emit(operation, to: &$0) }
        var validator = FunctionValidator(
            module, features: .standard.subtracting(FeatureSet(.threads)))
        let error = #expect(throws: ModuleError.self) { try validator.validate(1) }
        #expect(error?.kind == .unsupported(.threads))
    }

    @Test func synchronizingIsNoted() throws {
        let flags = try ValidationFixture.validator { $0.emit(.atomicFence) }.analysis.flags
        #expect(flags == .synchronizes)
        let waiting = try ValidationFixture.validator {
            Self.emit(.atomicWait(.i64), to: &$0)
        }.analysis.flags
        #expect(waiting == [.synchronizes, .accessesMemory, .callsRuntime])
    }

    /// The bytes of a module with a fence, `changed` in the byte that follows its code.
    private func fence(_ byte: UInt8) throws -> DecodedModule {
        var builder = ModuleBuilder()
        builder.addFunction(FunctionType()) { $0.emit(.atomicFence) }
        var bytes = builder.encode()
        let place = try #require(bytes.firstIndex(of: 0xFE))
        bytes[place + 2] = byte
        return try ModuleDecoder.decode(ByteStorage(bytes))
    }

    @Test func fencesHaveAZero() throws {
        var validator = FunctionValidator(try fence(0))
        try validator.validate(0)
        validator = FunctionValidator(try fence(1))
        let error = #expect(throws: ModuleError.self) { try validator.validate(0) }
        #expect(error?.kind == .malformed)
        #expect(error?.message == "zero byte expected")
    }

    @Test func thereIsNoOtherAtomic() throws {
        #expect(Opcodes.opcode(prefix: 0xFE, code: 0x04) == nil)
        #expect(Opcodes.refusal(prefix: 0xFE, code: 0x4F, at: 0).kind == .malformed)
    }

    // MARK: Types

    private func memory(_ maximum: UInt64?) throws -> DecodedModule {
        var builder = ModuleBuilder()
        var type = MemoryType(limits: SizeLimits(minimum: 1, maximum: maximum))
        type.isShared = true
        builder.addMemory(type)
        return try builder.build()
    }

    @Test func sharedMemoriesAreWrittenAndRead() throws {
        let module = try memory(3)
        #expect(module.memories.first?.isShared == true)
        #expect(module.memories.first?.limits == SizeLimits(minimum: 1, maximum: 3))
        try ModuleValidator.validate(module)
        let bytes = module.bytes
        let off = FeatureSet.standard.subtracting(FeatureSet(.threads))
        let error = #expect(throws: ModuleError.self) {
            try ModuleDecoder.decode(bytes, features: off)
        }
        #expect(error?.kind == .unsupported(.threads))
    }

    @Test func sharedMemoriesHaveAMaximum() throws {
        let module = try memory(nil)
        let error = #expect(throws: ModuleError.self) { try ModuleValidator.validate(module) }
        #expect(error?.message == "shared memory must have maximum")
    }
}
