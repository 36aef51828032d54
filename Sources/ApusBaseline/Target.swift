internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// What the folder of a processor gives to the rest of the compiler, besides the translations of
/// the instructions (`Translate`), the function's prologue and its epilogue.
///
/// All that decides, where a value is, who has to make way, what a branch has to bring along, lies
/// outside that folder and works with numbers of registers; what writes the code for it is here.
/// Nothing of it is called through the protocol, which says what there has to be.
protocol Target: ~Copyable {
    /// What flags can say of a comparison. A conditional branch takes one, or its contrary.
    associatedtype FlagCondition

    /// Which registers are for what.
    static var registers: RegisterPlan { get }

    // MARK: Moves. None of them changes what flags say.

    /// All bits of a register into another one of its class.
    mutating func move(_ destination: PhysicalRegister, _ source: PhysicalRegister)
    /// Two general registers.
    mutating func exchange(_ first: PhysicalRegister, _ second: PhysicalRegister)
    /// The value of an operand into a register of its class.
    mutating func load(_ operand: Operand, into register: PhysicalRegister)
    /// The value of an operand into the frame slot of stack position `position`.
    mutating func store(_ operand: Operand, inSlot position: Int)
    /// A local between its home and its frame slot.
    mutating func loadHome(_ home: LocalHome, _ local: UInt32)
    mutating func storeHome(_ home: LocalHome, _ local: UInt32)
    /// The base of memory 0 into its home.
    mutating func loadMemoryBaseHome()
    /// Before the loop that was opened last: the function's heat into its home, if the loop is to
    /// hold it. Changes no flags.
    mutating func prepareHeat(_ analysis: borrowing BodyAnalysis)
    /// The same back from its home. Changes no flags.
    mutating func storeHeat()
    /// Where a branch to `label` does that on its way.
    mutating func storingHeat(_ label: Label) -> Label

    // MARK: Control

    mutating func jump(_ label: Label)
    mutating func jump(_ condition: FlagCondition, _ label: Label)
    /// Tests whether an i32 operand is not 0; its register is free afterwards.
    mutating func testCondition(_ operand: Operand) -> BranchCondition
    /// Takes `cost` from the fuel; with `isChecked`, traps if there is too little.
    mutating func payFuel(_ cost: Int32, isChecked: Bool)
    /// Adds 1 to the function's counter of this number. Changes the flags.
    mutating func increment(_ counter: UInt32)
    /// Leaves if the thread has been told to.
    mutating func emitPoll()
    /// Code that faults.
    mutating func emitStop()
    /// Leaves the function; results are in place.
    mutating func emitEpilogue()
}
