pub struct EventFold;
