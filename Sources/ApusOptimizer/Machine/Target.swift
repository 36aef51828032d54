internal import ApusABI

// What the folder of a processor has to have for all that lies outside it, in three parts.
//
// - A type that conforms to `Target`, of which the allocator and the listings know.
// - `Selector`, which makes a `MachineFunction` of a function, in instructions that it has numbers
//   for, and says of them what the allocator has to know: their flags, what they clobber, where
//   they want their operands, and which may be repeated (`VirtualRegisterRecord.source`).
// - `Emitter`, which writes the instructions and the allocator's steps between them as code.
//
// Nothing between the last two, from `Liveness` to `FrameSlots`, knows more of a machine than the
// values here, so it is compiled once and tested with machines that there are not.

/// A processor, as far as registers and listings go.
protocol Target {
    /// Whether there is code for `processor`: it has what the selector takes for granted.
    static func supports(_ processor: ProcessorFeatures) -> Bool

    /// The registers that are given out, fewer by one if the code counts fuel.
    static func registers(isFuelMetered: Bool) -> RegisterFile

    /// Registers that are never given out, for moves between others.
    static var scratch: ScratchRegisters { get }

    /// A register's name as the processor's manual has it.
    static func name(of register: PhysicalRegister) -> String

    /// The name of an instruction, with all that tells it from others.
    static func name(of instruction: MachineInstruction) -> String

    /// Whether the immediate of an instruction is one of its operands.
    static func hasImmediate(_ instruction: MachineInstruction) -> Bool
}
