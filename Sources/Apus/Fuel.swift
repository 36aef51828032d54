internal import ApusRuntime

extension Store {
    /// How much fuel the guests of this store have left; 0 at first.
    ///
    /// Running an instruction takes 1, structure (`block`, `loop`, `else`, `end`, `nop`) nothing;
    /// bulk instructions take 1 more for every 64 bytes or 8 elements. Whether there was enough is
    /// looked at where functions and loops start: a guest that has too little for what comes next
    /// ends there in a `Trap` with the code `outOfFuel`, and can be called again when there is
    /// more. Host functions see, and may change, what was left when they were called. What the
    /// host does for guests of the WASI has its price, too: each call takes 512, and more by what
    /// it is asked to do (bytes, entries of directories, paths).
    ///
    /// Only engines whose configuration says `isFuelMetered` have fuel. Guests of others would run
    /// without a bound: once it has been set there, every call and instantiation in the store
    /// throws a `ResourceError`.
    public var fuel: UInt64 {
        get { (try? runtime.fuel) ?? 0 }
        set { try? runtime.fuel = newValue }
    }
}
