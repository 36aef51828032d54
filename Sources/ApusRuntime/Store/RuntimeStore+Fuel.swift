internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

extension RuntimeStore {
    /// What the store's guests may still use up. While a guest runs, its host functions see it as
    /// it was at the call. Without a meter, setting it keeps all guests of the store from running.
    public var fuel: UInt64 {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        // Nobody else touches its fuel while wasm is not running.
        get { UInt64(max(0, unsafe context.pointee.fuel)) }
        set {
            guard unsafe context.pointee.is_metered != 0 else {
                refusal = ResourceError(.fuel, requested: newValue, limit: 0)
                return
            }
            let amount = Int64(clamping: newValue)
            fuelAccount.set(amount, left: unsafe context.pointee.fuel)
            unsafe context.pointee.fuel = amount
        }
    }

    /// Takes `cost` from what is left, for work of the host's, if fuel is metered. Returns false
    /// if there is too little, and takes nothing then, or all of it if the work `isDone`.
    public func pay(_ cost: UInt64, isDone: Bool) -> Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        // Nobody else touches its fuel while wasm is not running.
        guard unsafe context.pointee.is_metered != 0 else { return true }
        let left = unsafe max(0, context.pointee.fuel)
        guard cost <= UInt64(left) else {
            if isDone { unsafe context.pointee.fuel = 0 }
            return false
        }
        unsafe context.pointee.fuel = left - Int64(cost)
        return true
    }

    /// Whether there is as much fuel as `cost`, or it is not metered.
    func canPay(_ cost: UInt64) -> Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        unsafe context.pointee.is_metered == 0 || cost <= fuel
    }

    // SAFETY: the context is the store's own allocation, which lives as long as the store.
    /// What the store's guests have used up.
    public var fuelUsed: UInt64 { fuelAccount.total(left: unsafe context.pointee.fuel) }

    /// Gives back what was paid for instructions after the one that trapped. Where wasm was left
    /// by a call there are none.
    func refundFuel(_ code: TrapCode) {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        // Nobody else touches its fuel while wasm is not running.
        guard unsafe context.pointee.is_metered != 0, code != .stackExhausted, code != .none,
            code != .interrupted,
            unsafe context.pointee.trap_signal != 0
        else { return }
        let address = unsafe context.pointee.trap_pc
        guard let code = CodeRegistry.shared.code(at: address) else { return }
        let module = code.module.module
        let functions = FunctionDescriptors(code.image, module)
        guard let place = functions.place(at: address, isReturnAddress: false) else { return }
        let refund = FuelSegment.refund(
            InstructionReader(module.bytes, body: place.body), stop: place.moduleOffset,
            isUnstarted: place.code.trap == .outOfFuel)
        // The host may have set it since that was paid.
        let sum = unsafe context.pointee.fuel.addingReportingOverflow(Int64(refund))
        unsafe context.pointee.fuel = sum.overflow ? .max : sum.partialValue
    }
}
